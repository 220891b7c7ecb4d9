import type { Random } from '../chaos/random.ts';

/** Runs what is due in simulated time, one thing at a time; between two, everything that is ready in the program runs. */
export interface Scheduler {
  /** Simulated Unix milliseconds. */
  readonly now: () => number;
  readonly after: (delayMs: number, run: () => void) => () => void;
  readonly isIdle: () => boolean;
  /** Resolves when nothing is left to run, or the time has come. */
  readonly run: (untilMs: number) => Promise<void>;
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Noon, 1 March 2026: any time does. */
export const START_MS = 1_772_366_400_000;

export const createScheduler = (): Scheduler => {
  // The next one stands last.
  const due: Due[] = [];
  let nowMs = START_MS;
  let order = 0;
  const insert = (one: Due): void => {
    let [low, high] = [0, due.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((due[middle]?.atMs ?? 0) > one.atMs) low = middle + 1;
      else high = middle;
    }
    due.splice(low, 0, one);
  };
  return {
    now: () => nowMs,
    after: (delayMs, run) => {
      order += 1;
      const one: Due = { atMs: nowMs + delayMs, order, run };
      insert(one);
      return () => {
        one.run = undefined;
      };
    },
    isIdle: () => due.every(({ run }) => run === undefined),
    run: (untilMs) =>
      new Promise((resolve) => {
        const turn = (): void => {
          let next = due.pop();
          while (next !== undefined && next.run === undefined) next = due.pop();
          if (next === undefined || next.atMs > untilMs) {
            resolve();
            return;
          }
          nowMs = next.atMs;
          next.run?.();
          // Every promise that this settled goes on before the next turn: a tick of a microtask comes after all others.
          queueMicrotask(() => process.nextTick(turn));
        };
        turn();
      }),
  };
};

/** A process, or a call in one: it takes steps until it ends or crashes. */
export interface Actor {
  readonly name: string;
  /** How far its clock is off, in milliseconds. */
  readonly skewMs: number;
  readonly random: Random;
  /** Goes on after a while; never, when the actor crashed. */
  readonly pause: (minMs: number, maxMs: number) => Promise<void>;
  /** Whether this fault happens to the actor here. */
  readonly meets: (fault: string, probability: number) => boolean;
  readonly crash: () => void;
  readonly isDead: () => boolean;
}

export interface ActorsOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly hasFaults: () => boolean;
  /** Faults, by their names, that do not happen: to find out which ones a failure needs. */
  readonly without: ReadonlySet<string>;
  readonly maxSkewMs: number;
}

/** Makes actors, and lists the faults that happened to them. Each draws from its own name, so that one does not shift another. */
export const createActors = ({ scheduler, random, hasFaults, without, maxSkewMs }: ActorsOptions) => {
  const faults: string[] = [];
  const spawn = (name: string): Actor => {
    const own = random.fork(name);
    const skewMs = own.chance(0.5) ? 0 : own.between(-maxSkewMs, maxSkewMs);
    // Some are much faster than the rest.
    const isHurried = own.chance(0.15);
    let isDead = false;
    let asked = 0;
    return {
      name,
      skewMs,
      random: own,
      pause: (minMs, maxMs) =>
        new Promise((resolve) => {
          scheduler.after(own.between(minMs, isHurried ? Math.min(maxMs, minMs + 20) : maxMs), () => {
            if (!isDead) resolve();
          });
        }),
      meets: (fault, probability) => {
        asked += 1;
        if (!own.chance(probability) || !hasFaults()) return false;
        const full = `${name}#${asked} ${fault}`;
        if (without.has(full)) return false;
        faults.push(full);
        return true;
      },
      crash: () => {
        isDead = true;
      },
      isDead: () => isDead,
    };
  };
  return { spawn, faults };
};

export type Actors = ReturnType<typeof createActors>;
