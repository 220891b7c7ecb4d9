import { type ErrorCode, isErrorCode } from '../errors/catalogue.ts';
import {
  BREAKER_STATES,
  ENGINE_STATES,
  type EngineAbilities,
  type EngineHealth,
  type EngineState,
  type ReportedVoice,
} from './engine-report.ts';

/** What one worker last said of an engine. */
export interface EngineTeller extends EngineHealth {
  readonly workerId: string;
  /** Unix milliseconds; after it the worker counts as gone. */
  readonly expiresAtMs: number;
}

/**
 * `ttsEngines/{name}`: the engine as the best of its fresh tellers has it, and what each of them said last. The
 * tellers keep no voices, so that the document stays small however many workers there are.
 */
export interface EngineRecord extends EngineHealth, EngineAbilities {
  readonly name: string;
  /** Whose word stands. */
  readonly workerId: string;
  /** Unix milliseconds; after it nobody knows how the engine is. */
  readonly expiresAtMs: number;
  readonly tellers: readonly EngineTeller[];
}

/** What stands in a document, whoever wrote it; times may be Firestore's timestamps. */
type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const millisOf = (value: unknown): number | undefined => {
  if (value instanceof Date) return value.getTime();
  const toMillis = (value as { toMillis?: () => number } | null | undefined)?.toMillis;
  const millis = typeof toMillis === 'function' ? toMillis.call(value) : value;
  return typeof millis === 'number' && Number.isFinite(millis) ? millis : undefined;
};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textsOf = (value: unknown): readonly string[] =>
  listOf(value).filter((one): one is string => textOf(one) !== undefined);

const oneOf = <T extends string>(all: readonly T[], value: unknown): T | undefined =>
  all.find((one) => one === value);

const readErrorCode = (value: unknown): ErrorCode | undefined => (isErrorCode(value) ? value : undefined);

const readHealth = (fields: Fields, state: EngineState): EngineHealth => ({
  state,
  reason: textOf(fields['reason']),
  errorCode: readErrorCode(fields['errorCode']),
  breaker: oneOf(BREAKER_STATES, fields['breaker']),
  retryAtMs: millisOf(fields['retryAt']),
});

const readVoice = (value: unknown): readonly ReportedVoice[] => {
  const fields = fieldsOf(value);
  const id = textOf(fields['id']);
  if (id === undefined) return [];
  return [
    {
      id,
      name: textOf(fields['name']) ?? id,
      languages: textsOf(fields['languages']),
      gender: textOf(fields['gender']),
      accent: textOf(fields['accent']),
      remark: textOf(fields['remark']),
    },
  ];
};

const readTellers = (value: unknown): readonly EngineTeller[] =>
  Object.entries(fieldsOf(value)).flatMap(([workerId, told]): EngineTeller[] => {
    const fields = fieldsOf(told);
    const state = oneOf(ENGINE_STATES, fields['state']);
    const expiresAtMs = millisOf(fields['expiresAt']);
    if (state === undefined || expiresAtMs === undefined) return [];
    return [{ ...readHealth(fields, state), workerId, expiresAtMs }];
  });

/** Reads an engine's document; undefined when its state or its time makes no sense, which is as good as no document. */
export const readEngineRecord = (name: string, fields: Fields): EngineRecord | undefined => {
  const state = oneOf(ENGINE_STATES, fields['state']);
  const expiresAtMs = millisOf(fields['expiresAt']);
  if (state === undefined || expiresAtMs === undefined) return undefined;
  return {
    name,
    ...readHealth(fields, state),
    languages: textsOf(fields['languages']),
    clonesVoices: fields['clonesVoices'] === true,
    voices: listOf(fields['voices']).flatMap(readVoice),
    workerId: textOf(fields['workerId']) ?? '',
    expiresAtMs,
    tellers: readTellers(fields['tellers']),
  };
};
