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

type Fields = Readonly<Record<string, unknown>>;

/** An engine of one worker as its document holds it. */
export interface WorkerEngine extends Fields {
  readonly name: string;
  readonly state: EngineState;
}

export interface WorkerEntry {
  readonly workerId: string;
  /** Equal for heartbeats that say the same of the worker and its engines. */
  readonly digest: string;
  /** Unix milliseconds; afterwards the worker counts as gone. */
  readonly expiresAtMs: number;
  readonly engines: readonly WorkerEngine[];
}

/** An engine as readers of the menu see it: the best that living workers report. */
export interface MenuEngine {
  readonly name: string;
  readonly state: EngineState;
  /** Languages, voices and whether it clones voices. */
  readonly abilities: Fields;
  /** Unix milliseconds; afterwards its state is not known, and readers count it as away. */
  readonly expiresAtMs: number;
}

const isEngine = (value: unknown): value is WorkerEngine =>
  isRecord(value) &&
  typeof value['name'] === 'string' &&
  ENGINE_STATES.some((state) => state === value['state']);

/** The engines of a document, without entries that make no sense. */
export const readEngines = (value: unknown): readonly WorkerEngine[] =>
  Array.isArray(value) ? value.filter(isEngine) : [];

/** A worker that stops takes its engines along. */
export const withoutStopping = (heartbeat: Heartbeat): Heartbeat =>
  heartbeat.state !== 'stopping'
    ? heartbeat
    : {
        ...heartbeat,
        engines: heartbeat.engines.map(({ name, languages, clonesVoices, voices }) => ({
          name,
          state: 'unavailable',
          reason: undefined,
          errorCode: undefined,
          breaker: undefined,
          retryAtMs: undefined,
          languages,
          clonesVoices,
          voices,
        })),
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

const rankOf = ({ state }: WorkerEngine): number => ENGINE_STATES.indexOf(state);

const bestOf = (name: string, living: readonly WorkerEntry[]): MenuEngine | undefined => {
  const all = living.flatMap(({ engines, expiresAtMs }) =>
    engines.filter((one) => one.name === name).map((engine) => ({ engine, expiresAtMs })),
  );
  const bestRank = Math.min(...all.map(({ engine }) => rankOf(engine)));
  const best = all.filter(({ engine }) => rankOf(engine) === bestRank);
  const [first] = best;
  if (first === undefined) return undefined;
  const { languages, clonesVoices, voices } = first.engine;
  return {
    name,
    state: first.engine.state,
    abilities: { languages, clonesVoices, voices },
    expiresAtMs: Math.max(...best.map(({ expiresAtMs }) => expiresAtMs)),
  };
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
  const living = workers
    .filter(({ expiresAtMs }) => expiresAtMs > nowMs)
    .toSorted((one, other) => (one.workerId < other.workerId ? -1 : 1));
  const before = new Map(menu.map((engine) => [engine.name, engine]));
  const names = new Set([
    ...before.keys(),
    ...living.flatMap(({ engines }) => engines.map(({ name }) => name)),
  ]);
  let roomBytes = MAX_MENU_BYTES;
  return [...names]
    .flatMap((name) => bestOf(name, living) ?? before.get(name) ?? [])
    .filter(({ expiresAtMs }) => expiresAtMs + REMEMBERED_MS > nowMs)
    .toSorted((one, other) => other.expiresAtMs - one.expiresAtMs || (one.name < other.name ? -1 : 1))
    .filter((engine) => {
      roomBytes -= fieldsBytes({ ...engine });
      return roomBytes >= 0;
    });
};
