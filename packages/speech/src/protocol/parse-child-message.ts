import { classifyWords, describeError, type ErrorReport, isErrorCode } from '@taleback/core/errors';
import { isRecord } from '@taleback/core/json';
import type { Frame } from './frame-reader.ts';
import { type BareAnswer, type ChildMessage, isProtocolVersion, MAX_ERROR_CHARACTERS } from './protocol.ts';
import type { SoundFormat, WireSound } from './protocol.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A child that claims more has misread the question. */
const MAX_CONCURRENCY = 64;
const MAX_MODELS = 1_000;

const UNREADABLE_SOUND = 'The speech process answered with sound that cannot be read.';
const NO_REASON = 'The speech process gave no reason.';

/** Text that is not empty. */
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, MAX_ERROR_CHARACTERS) : undefined;

const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

/**
 * Parses a message of a child, in whatever version.
 *
 * @returns undefined for anything that is not a message of the protocol
 */
export const parseChildMessage = ({ message, raw }: Frame): ChildMessage | undefined => {
  if ((message['version'] ?? undefined) === undefined) return { kind: 'bare', answer: parseBare(message) };
  const { type, payload, metadata } = message;
  if (!isRecord(payload)) return undefined;
  if (type === 'event') return parseEvent(payload);
  const correlationId = isRecord(metadata) ? metadata['correlationId'] : undefined;
  if (type !== 'response' || typeof correlationId !== 'string') return undefined;
  switch (payload['type']) {
    case 'hello':
      return parseHello(correlationId, payload);
    case 'audio':
      return parseAudio(correlationId, payload, raw);
    case 'error':
      return { kind: 'error', correlationId, error: parseError(payload) };
    case 'pong': {
      const health = {
        rssBytes: countOf(payload['rss_bytes']),
        jobsDone: countOf(payload['jobs_done']),
        model: textOf(payload['model']),
      };
      return { kind: 'pong', correlationId, health };
    }
    default:
      return undefined;
  }
};

const parseEvent = (payload: Fields): ChildMessage | undefined => {
  if (payload['type'] === 'ready') return { kind: 'ready', model: textOf(payload['model']) };
  return payload['type'] === 'failed' ? { kind: 'failed', error: parseError(payload) } : undefined;
};

const parseHello = (correlationId: string, payload: Fields): ChildMessage => {
  const { version, engine, concurrency, models } = payload;
  if (!isProtocolVersion(version)) {
    const chosen = textOf(version) ?? 'none';
    return errorMessage(correlationId, 'request_invalid', `It chose an unknown version: ${chosen}.`);
  }
  const atOnce = Number.isInteger(concurrency)
    ? Math.min(Math.max(concurrency as number, 1), MAX_CONCURRENCY)
    : 1;
  const names = Array.isArray(models)
    ? models.slice(0, MAX_MODELS).flatMap((name) => textOf(name) ?? [])
    : [];
  const info = { version, engine: textOf(engine), concurrency: atOnce, models: names };
  return { kind: 'hello', correlationId, info };
};

/** An answer that claims to be sound but has none still ends its call. */
const parseAudio = (
  correlationId: string,
  payload: Fields,
  raw: Uint8Array<ArrayBuffer> | undefined,
): ChildMessage => {
  const sound = parseSound(payload, raw);
  return sound === undefined
    ? errorMessage(correlationId, 'model_failed', UNREADABLE_SOUND)
    : { kind: 'audio', correlationId, sound };
};

const parseSound = (payload: Fields, raw: Uint8Array<ArrayBuffer> | undefined): WireSound | undefined => {
  const { output_path: path, audio_base64: text, encoding: given } = payload;
  // The header of a file says what it is.
  const encoding = given ?? (raw === undefined && typeof path === 'string' ? 'wav' : undefined);
  if (encoding !== 'pcm_s16le' && encoding !== 'wav') return undefined;
  const format: SoundFormat = { encoding, sampleRateHz: countOf(payload['sample_rate']) };
  if (raw !== undefined) return { kind: 'raw', ...format, bytes: raw };
  if (typeof path === 'string') return { kind: 'file', ...format, path };
  return typeof text === 'string' ? { kind: 'base64', ...format, text } : undefined;
};

const parseBare = (message: Fields): BareAnswer | undefined => {
  const { success, output_path: path } = message;
  if (success === false) return { ok: false, error: parseError(message) };
  return success === true ? { ok: true, path: typeof path === 'string' ? path : undefined } : undefined;
};

/** 1.0 has `error`, the others `message`. An error without a code of ours is classified by its words. */
const parseError = (payload: Fields): ErrorReport => {
  const { code, retryable } = payload;
  const details = textOf(payload['details']);
  const message = textOf(payload['message']) ?? textOf(payload['error']) ?? NO_REASON;
  const known = isErrorCode(code) ? code : classifyWords({ error: message, details });
  return {
    ...report(known, message),
    ...(typeof retryable === 'boolean' ? { retryable } : {}),
    ...(details === undefined ? {} : { details }),
  };
};

const report = (code: ErrorReport['code'], message: string): ErrorReport => ({
  code,
  message,
  retryable: describeError(code).retryable,
});

const errorMessage = (correlationId: string, code: ErrorReport['code'], message: string): ChildMessage => ({
  kind: 'error',
  correlationId,
  error: report(code, message),
});
