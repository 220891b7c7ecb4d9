import {
  ENGINE_STATES,
  type EngineState,
  fieldsBytes,
  HEARTBEAT_LIFE_MS,
  type Heartbeat,
  isRecord,
} from '@taleback/core';

/** How long voices stay in the menu after their last worker fell silent: workers that scale to zero sleep for days. */
export const REMEMBERED_MS = 30 * 24 * 60 * 60_000;
/** Room for the engines in one document; Firestore's limit is 1 MiB, with the name and the times of the document. */
const MAX_MENU_BYTES = 900_000;

/** An engine as a document holds it, with its languages and voices and whether it clones voices. */
export interface WorkerEngine extends Readonly<Record<string, unknown>> {
  readonly name: string;
  readonly state: EngineState;
}

/** An engine as readers of the menu see it: the best that living workers report. */
export interface MenuEngine extends WorkerEngine {
  /** Unix milliseconds; afterwards its state is not known, and readers count it as away. */
  readonly expiresAtMs: number;
}

export interface WorkerEntry {
  readonly workerId: string;
  /** Equal for heartbeats that say the same of the worker and its engines. */
  readonly digest: string;
  /** Unix milliseconds; afterwards the worker counts as gone. */
  readonly expiresAtMs: number;
  readonly engines: readonly WorkerEngine[];
}

const isEngine = (value: unknown): value is WorkerEngine =>
  isRecord(value) &&
  typeof value['name'] === 'string' &&
  ENGINE_STATES.some((state) => state === value['state']);

/** The engines of a document, without entries that make no sense. */
export const readEngines = (value: unknown): readonly WorkerEngine[] =>
  Array.isArray(value) ? value.filter(isEngine) : [];

/** What the menu shows of an engine; the rest is for operators. */
export const menuEngine = (
  { name, state, languages, clonesVoices, voices }: WorkerEngine,
  expiresAtMs: number,
): MenuEngine => ({ name, state, languages, clonesVoices, voices, expiresAtMs });

/** A worker that stops takes its engines along. */
export const withoutStopping = (heartbeat: Heartbeat): Heartbeat => {
  if (heartbeat.state !== 'stopping') return heartbeat;
  const nothing = {
    reason: undefined,
    errorCode: undefined,
    breaker: undefined,
    retryAtMs: undefined,
    consecutiveFailures: undefined,
    lastFailureType: undefined,
    lastFailureAtMs: undefined,
    lastSuccessAtMs: undefined,
  };
  const engines = heartbeat.engines.map((engine) => ({
    ...engine,
    ...nothing,
    state: 'unavailable' as const,
  }));
  return { ...heartbeat, engines };
};

const isDue = (expiresAtMs: number, nowMs: number): boolean => expiresAtMs - nowMs < HEARTBEAT_LIFE_MS / 2;

/**
 * Which documents a heartbeat changes: both if it is news; else those of which less than half of their time is left.
 *
 * @param known the worker's document, if there is one
 * @param nowMs unix milliseconds
 */
export const decideWrites = (
  known: Pick<WorkerEntry, 'digest' | 'expiresAtMs'> | undefined,
  menu: readonly MenuEngine[],
  { digest, engines }: Pick<WorkerEntry, 'digest' | 'engines'>,
  nowMs: number,
): { readonly isNews: boolean; readonly isWorker: boolean; readonly isMenu: boolean } => {
  // A worker that counted as gone is news too: others may have composed the menu without it.
  const isNews = known === undefined || known.digest !== digest || known.expiresAtMs <= nowMs;
  const ends = new Map(menu.map(({ name, expiresAtMs }) => [name, expiresAtMs]));
  return {
    isNews,
    isWorker: isNews || isDue(known.expiresAtMs, nowMs),
    isMenu: isNews || engines.some(({ name }) => isDue(ends.get(name) ?? 0, nowMs)),
  };
};

const bestOf = (engines: readonly MenuEngine[]): MenuEngine[] => {
  const state = ENGINE_STATES.find((one) => engines.some((engine) => engine.state === one));
  const best = engines.filter((engine) => engine.state === state);
  const expiresAtMs = Math.max(...best.map((engine) => engine.expiresAtMs));
  return best.slice(0, 1).map((engine) => ({ ...engine, expiresAtMs }));
};

/**
 * The menu of engines and voices, latest first. Of the workers that report an engine the best state wins; among equals
 * the first by id, so that the menu does not change back and forth. An engine that no living worker reports stays for
 * 30 days with its voices.
 *
 * @param menu the menu so far
 * @param nowMs unix milliseconds
 */
export const composeMenu = (
  menu: readonly MenuEngine[],
  workers: readonly WorkerEntry[],
  nowMs: number,
): readonly MenuEngine[] => {
  const reported = workers
    .filter(({ expiresAtMs }) => expiresAtMs > nowMs)
    .toSorted((one, other) => (one.workerId < other.workerId ? -1 : 1))
    .flatMap(({ engines, expiresAtMs }) => engines.map((engine) => menuEngine(engine, expiresAtMs)));
  const byName = [menu, reported].flatMap((engines) => [...Map.groupBy(engines, ({ name }) => name)]);
  let roomBytes = MAX_MENU_BYTES;
  return [...new Map(byName).values()]
    .flatMap(bestOf)
    .filter(({ expiresAtMs }) => expiresAtMs + REMEMBERED_MS > nowMs)
    .toSorted((one, other) => other.expiresAtMs - one.expiresAtMs || (one.name < other.name ? -1 : 1))
    .filter((engine) => {
      roomBytes -= fieldsBytes(engine);
      return roomBytes >= 0;
    });
};
