import { z } from 'zod';
import { documentId, inCamelCase, optional, type Parsed, parseWith } from '../callback/parse.ts';
import { type ErrorCode, isErrorCode } from '../errors/catalogue.ts';
import { isWellFormed, toWellFormed } from '../storable/document.ts';

/** From best to worst: speaks; speaks, but not as it should; does not speak. */
export const ENGINE_STATES = ['ready', 'degraded', 'unavailable'] as const;
export type EngineState = (typeof ENGINE_STATES)[number];

export const BREAKER_STATES = ['CLOSED', 'OPEN', 'HALF_OPEN', 'ISOLATED'] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

export const WORKER_STATES = ['starting', 'ready', 'degraded', 'protected', 'stopping'] as const;
export type ReportedWorkerState = (typeof WORKER_STATES)[number];

/** How long a heartbeat is valid, ms: four of those that follow it, one a minute, may be lost. */
export const HEARTBEAT_LIFE_MS = 300_000;
/** The shortest life that a worker may ask for, ms. */
const LEAST_LIFE_MS = 10_000;

/** Engines of one heartbeat; more are cut off. */
export const MAX_REPORTED_ENGINES = 20;
/** Voices of one heartbeat, all engines together; more are cut off. The largest catalogue in use has 400. */
export const MAX_REPORTED_VOICES = 500;
/** Characters of a voice's id: as many as firestore.rules allow for the voice of a story. */
const MAX_VOICE_ID = 200;
/** Characters of a language tag, as RFC 5646 advises. */
const MAX_LANGUAGE = 35;
/** Languages of one engine or voice. The engine with most has 130. */
const MAX_LANGUAGES = 200;
/** The end of the year 9999, where Firestore's timestamps end. */
const MAX_TIME_MS = 253_402_300_799_999;

/**
 * When a heartbeat expires, on the receiver's clock: when the worker says, but neither too soon nor too late, because
 * the worker's clock may be wrong.
 *
 * @param nowMs unix milliseconds
 * @example
 * heartbeatEndMs({ expiresAtMs: undefined }, 0); // 300_000
 */
export const heartbeatEndMs = ({ expiresAtMs }: Pick<Heartbeat, 'expiresAtMs'>, nowMs: number): number => {
  const latestMs = nowMs + HEARTBEAT_LIFE_MS;
  return Math.min(Math.max(expiresAtMs ?? latestMs, nowMs + LEAST_LIFE_MS), latestMs);
};

/** A value, and how many items with a wrong shape were left out of it. */
interface Counted<T> {
  readonly value: T;
  readonly leftOut: number;
}

const sumLeftOut = (parts: readonly Counted<unknown>[]): number =>
  parts.reduce((total, { leftOut }) => total + leftOut, 0);

/** A list of at most so many items; the rest is cut off unread. */
const atMost = (maxItems: number) =>
  z.array(z.unknown(), 'must be a list').transform((items) => items.slice(0, maxItems));

/** A list without its items of a wrong shape: one odd voice of hundreds must not hide its engine. */
const siftedList = <T>(item: z.ZodType<T>, maxItems: number) =>
  atMost(maxItems).transform((items): Counted<readonly T[]> => {
    const value = items.flatMap((one) => item.safeParse(one).data ?? []);
    return { value, leftOut: items.length - value.length };
  });

const oneOf = <T extends string>(words: readonly [T, ...T[]]) =>
  z.enum(words, `must be one of ${words.join(', ')}`);

/** A name that other documents refer to: it is refused if it is too long, never cut. */
const name = (maxCharacters: number): z.ZodString =>
  z
    .string('must be a string')
    .min(1, 'must not be empty')
    .max(maxCharacters, `must be at most ${maxCharacters} characters`)
    .refine(isWellFormed, 'must be valid Unicode text');

const idOf = (maxCharacters: number) =>
  documentId.refine((id) => id.length <= maxCharacters, `must be at most ${maxCharacters} characters`);

/** A text for people: cut to its bound, absent if empty. */
const words = (maxCharacters: number) =>
  z
    .string('must be a string')
    .nullish()
    .transform((text) => (text ? toWellFormed(text.slice(0, maxCharacters)) : undefined));

const amount = optional(z.number('must be a number').nonnegative('must not be negative'));
/** Unix milliseconds. */
const moment = optional(
  z.number('must be a number').min(0, 'must not be negative').max(MAX_TIME_MS, 'must be unix milliseconds'),
);

/** BCP 47 tags. A primary tag such as `en` covers all its regions. */
const languages = siftedList(name(MAX_LANGUAGE), MAX_LANGUAGES);
const NO_OBJECT = 'must be an object';

const voice = z
  .object(
    {
      id: name(MAX_VOICE_ID),
      /** What a person reads in a list of voices. */
      name: words(100),
      /** Absent or empty if the voice speaks whatever its engine speaks. */
      languages: languages.nullish(),
      gender: words(100),
      accent: words(100),
      remark: words(100),
      /** Whether it was cloned, or belongs to an account; absent from older workers. */
      is_private: optional(z.boolean('must be true or false')),
    },
    NO_OBJECT,
  )
  .transform(({ languages: tags, is_private: isPrivate, ...one }) => ({
    value: { ...one, isPrivate, name: one.name ?? one.id, languages: tags?.value ?? [] },
    leftOut: tags?.leftOut ?? 0,
  }));

export type ReportedVoice = z.output<typeof voice>['value'];

/** A code of the catalogue. One of a newer worker is `unknown`: the heartbeat is not lost because of it. */
const errorCode = z
  .string('must be a string')
  .nullish()
  .transform((code): ErrorCode | undefined => {
    if (!code) return undefined;
    return isErrorCode(code) ? code : 'unknown';
  });

const engine = z
  .object(
    {
      name: idOf(100),
      state: oneOf(ENGINE_STATES),
      /** Why it is not ready, in the worker's words. */
      reason: words(300),
      error_type: errorCode,
      languages,
      clones_voices: z.boolean('must be true or false').nullish(),
      breaker: optional(oneOf(BREAKER_STATES)),
      /** When its circuit breaker lets a trial through. */
      retry_at: moment,
      /** Of its circuit breakers, since the start or a reset. */
      consecutive_failures: amount,
      last_failure_type: errorCode,
      last_failure_at: moment,
      last_success_at: moment,
      voices: siftedList(voice, MAX_REPORTED_VOICES),
    },
    NO_OBJECT,
  )
  .transform((one) => ({
    value: {
      name: one.name,
      state: one.state,
      reason: one.reason,
      errorCode: one.error_type,
      languages: one.languages.value,
      clonesVoices: one.clones_voices ?? false,
      breaker: one.breaker,
      retryAtMs: one.retry_at,
      consecutiveFailures: one.consecutive_failures,
      lastFailureType: one.last_failure_type,
      lastFailureAtMs: one.last_failure_at,
      lastSuccessAtMs: one.last_success_at,
      voices: one.voices.value.map((each) => each.value),
    },
    leftOut: sumLeftOut([one.languages, one.voices, ...one.voices.value]),
  }));

export type ReportedEngine = z.output<typeof engine>['value'];

/** Each engine once, the first with its name, and at most so many voices of all engines together. */
const bound = (engines: readonly ReportedEngine[]): readonly ReportedEngine[] => {
  let room = MAX_REPORTED_VOICES;
  const kept = new Map<string, ReportedEngine>();
  for (const one of engines) {
    if (kept.has(one.name)) continue;
    const voices = one.voices.slice(0, room);
    room -= voices.length;
    kept.set(one.name, { ...one, voices });
  }
  return [...kept.values()];
};

/** `{unix milliseconds}:{id of the last deletion}`: where a worker is in the list of deletions. */
export const DELETION_CURSOR = /^\d{1,14}:[0-9a-f]{0,64}$/;
const deletionCursor = z.string('must be a string').regex(DELETION_CURSOR, 'is not a cursor');

const schema = z
  .object({
    worker_id: idOf(200),
    /** The last deletion that the worker has applied. Absent if it keeps nothing, and from older workers. */
    deletions_after: optional(deletionCursor),
    /** Of the worker's program. */
    version: words(100),
    engines: atMost(MAX_REPORTED_ENGINES).pipe(z.array(engine)),
    state: optional(oneOf(WORKER_STATES)),
    /** Narrations that it can run at the same time. */
    capacity: amount,
    /** Requests that wait. */
    queue_depth: amount,
    /** Requests that are being processed. */
    in_flight: amount,
    started_at: moment,
    /** By the worker's clock; see {@link heartbeatEndMs}. */
    expires_at: moment,
  })
  .transform(({ engines, started_at: startedAtMs, expires_at: expiresAtMs, ...body }) => ({
    ...inCamelCase(body),
    startedAtMs,
    expiresAtMs,
    engines: bound(engines.map(({ value }) => value)),
    leftOut: sumLeftOut(engines),
  }));

/** The body of `POST /api/tts/heartbeat` in our own names: the state of one worker and of its engines, each name once. */
export type Heartbeat = z.output<typeof schema>;

/**
 * Parses the body of a worker's heartbeat. Voices and language tags of a wrong shape are left out, and counted.
 *
 * @example
 * parseHeartbeat({ worker_id: 'w1', engines: [] }); // { ok: true, value: { workerId: 'w1', … } }
 */
export const parseHeartbeat = (input: unknown): Parsed<Heartbeat> => parseWith(schema, input);

const deleteCommand = z.object({
  kind: z.literal('delete'),
  /** What the worker sends as `deletions_after` once it has applied this one. */
  cursor: deletionCursor,
  user_id: z.string(),
  /** Absent: everything of the user. */
  story_id: optional(z.string()),
  /** Of the story, by our ids and RunPod's. */
  jobs: z.array(z.string()),
  /** Other keys of the story's audio. */
  places: z.array(z.string()),
  /** SHA-256 of a recording that no other story of the user has. */
  recording: optional(z.string()),
  /** When it was requested, unix milliseconds: what was written since stays. */
  requested_at: z.number(),
});

/** Has a worker remove what it keeps of a story or a user. */
export type DeleteCommand = z.output<typeof deleteCommand>;

/**
 * The deletions in the answer to a heartbeat, in order; commands of another kind are left out.
 *
 * @throws when the answer is none of our receiver's, or a deletion has a wrong shape
 * @example
 * readDeletions('{"success":true,"commands":[]}'); // []
 */
export const readDeletions = (answer: string): readonly DeleteCommand[] => {
  const { commands } = z
    .object({ commands: z.array(z.looseObject({ kind: z.string() })) })
    .parse(JSON.parse(answer));
  return commands.filter(({ kind }) => kind === 'delete').map((command) => deleteCommand.parse(command));
};
