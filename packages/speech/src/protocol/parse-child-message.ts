import { classifyWords, describeError, type ErrorReport, isErrorCode } from '@taleback/core';
import type { Frame } from './frame-reader.ts';
import type { BareAnswer, ChildMessage, SoundFormat, WireSound } from './messages.ts';
import { isProtocolVersion } from './version.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A child that claims more has misread the question. */
const MOST_AT_ONCE = 64;
/** Errors go into logs and documents; a child's whole memory does not. */
const LONGEST_TEXT = 2_000;
const MOST_MODELS = 1_000;

const UNREADABLE_SOUND = 'The speech process answered with sound that cannot be read.';
const NO_REASON = 'The speech process gave no reason.';

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Text that says something. */
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, LONGEST_TEXT) : undefined;

const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

/**
 * Understands what a child says, in whatever version.
 *
 * @returns undefined for what is no message of the protocol
 */
export const parseChildMessage = ({ message, raw }: Frame): ChildMessage | undefined => {
  if ((message['version'] ?? undefined) === undefined) return { kind: 'bare', answer: parseBare(message) };
  const { type, payload, metadata } = message;
  if (!isFields(payload)) return undefined;
  if (type === 'event') return parseEvent(payload);
  const correlationId = isFields(metadata) ? metadata['correlationId'] : undefined;
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
    return errorMessage(correlationId, 'request_invalid', `It chose a version nobody knows: ${chosen}.`);
  }
  const atOnce = Number.isInteger(concurrency)
    ? Math.min(Math.max(concurrency as number, 1), MOST_AT_ONCE)
    : 1;
  const names = Array.isArray(models)
    ? models.slice(0, MOST_MODELS).flatMap((name) => textOf(name) ?? [])
    : [];
  const info = { version, engine: textOf(engine), concurrency: atOnce, models: names };
  return { kind: 'hello', correlationId, info };
};

/** An answer that claims to be sound but has none is an answer all the same: its caller must not wait for ever. */
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
  // A file says by itself what it is.
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

/** 1.0 says `error`, the others `message`. An error without a code of ours is told by its words. */
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
