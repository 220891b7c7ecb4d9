import {
  ENGINE_STATES,
  type EngineState,
  fieldsBytes,
  HEARTBEAT_LIFE_MS,
  type Heartbeat,
  isRecord,
  MAX_REPORTED_VOICES,
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

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Voices with the languages of their engine where they name none: another worker's engine may speak further ones. */
const ownVoices = ({ voices, languages }: MenuEngine): readonly Readonly<Record<string, unknown>>[] =>
  listOf(voices)
    .filter(isRecord)
    .map((voice) => (listOf(voice['languages']).length > 0 ? voice : { ...voice, languages }));

const rankOf = ({ state }: MenuEngine): number => ENGINE_STATES.indexOf(state);

/** What workers with one engine can do together. The voices of one that does not speak count only if none does. */
const mergeEngines = (engines: readonly MenuEngine[]): readonly MenuEngine[] => {
  const speaking = engines.filter(({ state }) => state !== 'unavailable');
  const all = (speaking.length > 0 ? speaking : engines).toSorted(
    (one, other) => rankOf(one) - rankOf(other),
  );
  const [best] = all;
  if (best === undefined || all.length === 1) return all;
  const asGood = all.filter(({ state }) => state === best.state);
  const voices = [...Map.groupBy(all.flatMap(ownVoices), ({ id }) => id).values()];
  const merged = {
    ...best,
    languages: [...new Set(all.flatMap(({ languages }) => listOf(languages)))],
    clonesVoices: all.some(({ clonesVoices }) => clonesVoices === true),
    voices: voices.flatMap(([first]) => first ?? []).slice(0, MAX_REPORTED_VOICES),
    expiresAtMs: Math.max(...asGood.map(({ expiresAtMs }) => expiresAtMs)),
  };
  return [merged];
};

/**
 * The menu of engines and voices, latest first. An engine has the best state that a worker reports, and the voices of all
 * workers where it speaks. Of voices with one id the first by state and worker counts, so that the menu does not change
 * back and forth. An engine that no living worker reports stays for 30 days with its voices.
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
    .flatMap(mergeEngines)
    .filter(({ expiresAtMs }) => expiresAtMs + REMEMBERED_MS > nowMs)
    .toSorted((one, other) => other.expiresAtMs - one.expiresAtMs || (one.name < other.name ? -1 : 1))
    .filter((engine) => {
      roomBytes -= fieldsBytes(engine);
      return roomBytes >= 0;
    });
};
