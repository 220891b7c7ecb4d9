import { z } from 'zod';
import { documentId, type Parsed, parseWith } from '../callback/parse.ts';
import { type ErrorCode, isErrorCode } from '../errors/catalogue.ts';
import { isWellFormed, toWellFormed } from '../storable/document-id.ts';

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

export interface ReportedVoice {
  readonly id: string;
  /** What a person reads in a list of voices. */
  readonly name: string;
  /** BCP 47 tags; empty if the voice speaks whatever its engine speaks. */
  readonly languages: readonly string[];
  readonly gender: string | undefined;
  readonly accent: string | undefined;
  readonly remark: string | undefined;
}

export interface ReportedEngine {
  readonly name: string;
  readonly state: EngineState;
  /** Why it is not ready, in the worker's words. */
  readonly reason: string | undefined;
  readonly errorCode: ErrorCode | undefined;
  readonly breaker: BreakerState | undefined;
  /** Unix milliseconds; when its circuit breaker lets a trial through. */
  readonly retryAtMs: number | undefined;
  /** BCP 47 tags. A primary tag such as `en` covers all its regions. */
  readonly languages: readonly string[];
  readonly clonesVoices: boolean;
  readonly voices: readonly ReportedVoice[];
}

/** The body of `POST /api/tts/heartbeat` in our own names: the state of one worker and of its engines. */
export interface Heartbeat {
  readonly workerId: string;
  /** Of the worker's program. */
  readonly version: string | undefined;
  readonly state: ReportedWorkerState | undefined;
  /** Each name once. */
  readonly engines: readonly ReportedEngine[];
  /** Narrations that it can run at the same time. */
  readonly capacity: number | undefined;
  /** Requests that wait. */
  readonly queueDepth: number | undefined;
  /** Requests that are being processed. */
  readonly inFlight: number | undefined;
  /** Unix milliseconds. */
  readonly startedAtMs: number | undefined;
  /** Unix milliseconds of the worker's clock; see {@link heartbeatEndMs}. */
  readonly expiresAtMs: number | undefined;
  /** Voices and language tags with a wrong shape, which were left out. */
  readonly leftOut: number;
}

/**
 * When a heartbeat expires, on the receiver's clock: when the worker says, but neither too soon nor too late, because
 * the worker's clock may be wrong.
 *
 * @param nowMs unix milliseconds
 * @example
 * heartbeatEndMs({ expiresAtMs: undefined }, 0); // 300_000
 */
export const heartbeatEndMs = ({ expiresAtMs }: Pick<Heartbeat, 'expiresAtMs'>, nowMs: number): number =>
  Math.min(
    Math.max(expiresAtMs ?? Number.POSITIVE_INFINITY, nowMs + LEAST_LIFE_MS),
    nowMs + HEARTBEAT_LIFE_MS,
  );

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
    const value = items.flatMap((one) => {
      const result = item.safeParse(one);
      return result.success ? [result.data] : [];
    });
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

const optional = <T>(type: z.ZodType<T>) => type.nullish().transform((value) => value ?? undefined);
const amount = optional(z.number('must be a number').nonnegative('must not be negative'));
const moment = optional(
  z.number('must be a number').min(0, 'must not be negative').max(MAX_TIME_MS, 'must be unix milliseconds'),
);

const languages = siftedList(name(MAX_LANGUAGE), MAX_LANGUAGES);
const NO_LANGUAGES: z.output<typeof languages> = { value: [], leftOut: 0 };
const NO_OBJECT = 'must be an object';

const voice = z
  .object(
    {
      id: name(MAX_VOICE_ID),
      name: words(100),
      languages: languages.nullish(),
      gender: words(100),
      accent: words(100),
      remark: words(100),
    },
    NO_OBJECT,
  )
  .transform((one): Counted<ReportedVoice> => {
    const { value, leftOut } = one.languages ?? NO_LANGUAGES;
    return { value: { ...one, name: one.name ?? one.id, languages: value }, leftOut };
  });

const engine = z
  .object(
    {
      name: idOf(100),
      state: oneOf(ENGINE_STATES),
      reason: words(300),
      error_type: z.string('must be a string').nullish(),
      languages,
      clones_voices: z.boolean('must be true or false').nullish(),
      breaker: optional(oneOf(BREAKER_STATES)),
      retry_at: moment,
      voices: siftedList(voice, MAX_REPORTED_VOICES),
    },
    NO_OBJECT,
  )
  .transform(({ error_type: code, clones_voices: clonesVoices, retry_at: retryAtMs, ...one }) => {
    const value: ReportedEngine = {
      ...one,
      // A code of a newer worker: its heartbeat is not lost because of it.
      errorCode: code ? (isErrorCode(code) ? code : 'unknown') : undefined,
      languages: one.languages.value,
      clonesVoices: clonesVoices ?? false,
      retryAtMs,
      voices: one.voices.value.map((each) => each.value),
    };
    return { value, leftOut: sumLeftOut([one.languages, one.voices, ...one.voices.value]) };
  });

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

const schema = z
  .object({
    worker_id: idOf(200),
    version: words(100),
    engines: atMost(MAX_REPORTED_ENGINES).pipe(z.array(engine)),
    state: optional(oneOf(WORKER_STATES)),
    capacity: amount,
    queue_depth: amount,
    in_flight: amount,
    started_at: moment,
    expires_at: moment,
  })
  .transform(
    ({ version, state, capacity, ...body }): Heartbeat => ({
      workerId: body.worker_id,
      version,
      state,
      engines: bound(body.engines.map(({ value }) => value)),
      capacity,
      queueDepth: body.queue_depth,
      inFlight: body.in_flight,
      startedAtMs: body.started_at,
      expiresAtMs: body.expires_at,
      leftOut: sumLeftOut(body.engines),
    }),
  );

/**
 * Parses the body of a worker's heartbeat. Voices and language tags of a wrong shape are left out, and counted.
 *
 * @example
 * parseHeartbeat({ worker_id: 'w1', engines: [] }); // { ok: true, value: { workerId: 'w1', … } }
 */
export const parseHeartbeat = (input: unknown): Parsed<Heartbeat> => parseWith(schema, input);
