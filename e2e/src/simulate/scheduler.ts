import type { Random } from '../chaos/random.ts';

export type Scheduler = ReturnType<typeof createScheduler>;

interface Due {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Noon, 1 March 2026: any time does. */
export const START_MS = 1_772_366_400_000;

/** Runs what is due in simulated time, one thing at a time; between two, everything that is ready in the program runs. */
export const createScheduler = () => {
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
    /** Simulated Unix milliseconds. */
    now: () => nowMs,
    /** @returns what calls it off */
    after: (delayMs: number, run: () => void): (() => void) => {
      order += 1;
      const one: Due = { atMs: nowMs + delayMs, order, run };
      insert(one);
      return () => {
        one.run = undefined;
      };
    },
    isIdle: () => due.every(({ run }) => run === undefined),
    /** Resolves when nothing is left to run, or the time has come. */
    run: (untilMs: number) =>
      new Promise<void>((resolve) => {
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
  /** A process, or a call in one: it takes steps until it ends or crashes. */
  const spawn = (name: string) => {
    const own = random.fork(name);
    const skewMs = own.chance(0.5) ? 0 : own.between(-maxSkewMs, maxSkewMs);
    // Some are much faster than the rest.
    const isHurried = own.chance(0.15);
    let isDead = false;
    let asked = 0;
    return {
      name,
      /** How far its clock is off, in milliseconds. */
      skewMs,
      random: own,
      /** Goes on after a while; never, when the actor crashed. */
      pause: (minMs: number, maxMs: number) =>
        new Promise<void>((resolve) => {
          scheduler.after(own.between(minMs, isHurried ? Math.min(maxMs, minMs + 20) : maxMs), () => {
            if (!isDead) resolve();
          });
        }),
      /** Whether this fault happens to the actor here. */
      meets: (fault: string, probability: number): boolean => {
        asked += 1;
        if (!own.chance(probability) || !hasFaults()) return false;
        const full = `${name}#${asked} ${fault}`;
        if (without.has(full)) return false;
        faults.push(full);
        return true;
      },
      crash: (): void => {
        isDead = true;
      },
      isDead: () => isDead,
    };
  };
  return { spawn, faults };
};

export type Actors = ReturnType<typeof createActors>;
export type Actor = ReturnType<Actors['spawn']>;
