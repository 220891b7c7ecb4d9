import { z } from 'zod';
import { documentId, type Parsed, parseWith } from '../callback/parse.ts';
import { type ErrorCode, isErrorCode } from '../errors/catalogue.ts';
import { isWellFormed, toWellFormed } from '../storable/document-id.ts';
import {
  BREAKER_STATES,
  ENGINE_STATES,
  type EnginesReport,
  MAX_REPORTED_ENGINES,
  MAX_REPORTED_VOICES,
  type ReportedEngine,
  type ReportedVoice,
  WORKER_STATES,
} from './engine-report.ts';
import { atMost, type Counted, NOTHING, siftedList, sumLeftOut } from './sifted-list.ts';

const MAX_ENGINE_NAME_CHARACTERS = 100;
const MAX_WORKER_ID_CHARACTERS = 200;
/** As long as the rules let a story's voice be. */
const MAX_VOICE_ID_CHARACTERS = 200;
const MAX_VOICE_WORD_CHARACTERS = 100;
const MAX_REASON_CHARACTERS = 300;
/** As RFC 5646 advises for the length of a tag. */
const MAX_LANGUAGE_CHARACTERS = 35;
/** The engine with most has 130. */
const MAX_LANGUAGES = 200;
/** The end of the year 9999, where Firestore's timestamps end. */
const MAX_TIME_MS = 253_402_300_799_999;

const isIn = <T extends string>(words: readonly T[]) =>
  z.enum(words as readonly [T, ...T[]], `must be one of ${words.join(', ')}`);

/** A name that other documents refer to, so it is refused when it does not fit and never cut. */
const name = (maxCharacters: number): z.ZodString =>
  z
    .string('must be a string')
    .min(1, 'must not be empty')
    .max(maxCharacters, `must be at most ${maxCharacters} characters`)
    .refine(isWellFormed, 'must be valid Unicode text');

const idOf = (maxCharacters: number) =>
  documentId.refine((id) => id.length <= maxCharacters, `must be at most ${maxCharacters} characters`);

/** A text for people: cut to its bound, and absent when there is nothing in it. */
const words = (maxCharacters: number) =>
  z
    .string('must be a string')
    .nullish()
    .transform((text) => (text ? toWellFormed(text.slice(0, maxCharacters)) : undefined));

const languages = siftedList(name(MAX_LANGUAGE_CHARACTERS), MAX_LANGUAGES);

const amount = z.number('must be a number').nonnegative('must not be negative').nullish();
const moment = z
  .number('must be a number')
  .min(0, 'must not be negative')
  .max(MAX_TIME_MS, 'must be unix milliseconds')
  .nullish();

/** A code that a newer worker knows and we do not is `unknown`: its report is not lost to it. */
const errorCode = z
  .string('must be a string')
  .nullish()
  .transform((code): ErrorCode | undefined => {
    if (!code) return undefined;
    return isErrorCode(code) ? code : 'unknown';
  });

const NO_OBJECT = 'must be an object';

const voice = z
  .object(
    {
      id: name(MAX_VOICE_ID_CHARACTERS),
      name: words(MAX_VOICE_WORD_CHARACTERS),
      languages: languages.nullish(),
      gender: words(MAX_VOICE_WORD_CHARACTERS),
      accent: words(MAX_VOICE_WORD_CHARACTERS),
      remark: words(MAX_VOICE_WORD_CHARACTERS),
    },
    NO_OBJECT,
  )
  .transform((one): Counted<ReportedVoice> => {
    const { id, gender, accent, remark } = one;
    const { kept, leftOut } = one.languages ?? NOTHING;
    return { value: { id, name: one.name ?? id, languages: kept, gender, accent, remark }, leftOut };
  });

const engine = z
  .object(
    {
      name: idOf(MAX_ENGINE_NAME_CHARACTERS),
      state: isIn(ENGINE_STATES),
      reason: words(MAX_REASON_CHARACTERS),
      error_type: errorCode,
      languages,
      clones_voices: z.boolean('must be true or false').nullish(),
      breaker: isIn(BREAKER_STATES).nullish(),
      retry_at: moment,
      voices: siftedList(voice, MAX_REPORTED_VOICES),
    },
    NO_OBJECT,
  )
  .transform(
    (one): Counted<ReportedEngine> => ({
      value: {
        name: one.name,
        state: one.state,
        reason: one.reason,
        errorCode: one.error_type,
        languages: one.languages.kept,
        clonesVoices: one.clones_voices ?? false,
        breaker: one.breaker ?? undefined,
        retryAtMs: one.retry_at ?? undefined,
        voices: one.voices.kept.map(({ value }) => value),
      },
      leftOut: sumLeftOut([one.languages, one.voices, ...one.voices.kept]),
    }),
  );

/** Each engine once, the first that bears its name, and of all their voices no more than the bound. */
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
    worker_id: idOf(MAX_WORKER_ID_CHARACTERS),
    engines: atMost(MAX_REPORTED_ENGINES).pipe(z.array(engine)),
    state: isIn(WORKER_STATES).nullish(),
    queue_depth: amount,
    in_flight: amount,
    started_at: moment,
  })
  .transform(
    (body): EnginesReport => ({
      workerId: body.worker_id,
      engines: bound(body.engines.map(({ value }) => value)),
      state: body.state ?? undefined,
      queueDepth: body.queue_depth ?? undefined,
      inFlight: body.in_flight ?? undefined,
      startedAtMs: body.started_at ?? undefined,
      leftOut: sumLeftOut(body.engines),
    }),
  );

/** Parses the body of a worker's report on its engines. Odd voices and language tags are left out, and counted. */
export const parseEnginesReport = (input: unknown): Parsed<EnginesReport> => parseWith(schema, input);
