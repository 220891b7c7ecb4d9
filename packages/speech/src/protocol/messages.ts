import {
  classifyWords,
  type ErrorReport,
  isErrorCode,
  reportError,
  TalebackError,
} from '@taleback/core/errors';
import { isRecord, textOf } from '@taleback/core/json';
import type { SpeechRequest } from '../pool/speech-child.ts';
import type { Frame } from './frame-reader.ts';
import {
  type BareAnswer,
  type ChildMessage,
  type Envelope,
  isProtocolVersion,
  MAX_ERROR_CHARACTERS,
  MAX_LINE_BYTES,
  type SoundFormat,
  type WireSound,
} from './protocol.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The payload of `synthesize` in 2.0 and 2.1; undefined fields are left out. */
export const synthesizePayload = (
  request: SpeechRequest,
  outputPath: string | undefined,
): Envelope['payload'] => ({
  type: 'synthesize',
  text: request.text,
  voice: request.voiceId,
  speed: request.speed,
  language: request.language,
  priority: request.priority,
  options: request.engineOptions,
  output_path: outputPath,
});

/**
 * A request as a line.
 *
 * @throws TalebackError `text_too_long` for a line that no child would read, `request_invalid` for options that are
 * not JSON.
 */
export const formatLine = (message: object): string => {
  let json: string;
  try {
    json = JSON.stringify(message);
  } catch (cause) {
    throw new TalebackError('request_invalid', 'The options of the request cannot be written down.', {
      cause,
    });
  }
  // A longer line would end the child, and then every child that it is retried on.
  if (Buffer.byteLength(json) > MAX_LINE_BYTES) {
    throw new TalebackError('text_too_long', 'The text is too long to be spoken at once.', {
      details: `its line has more than ${MAX_LINE_BYTES} bytes`,
    });
  }
  return `${json}\n`;
};

/** A child that claims more has misread the question. */
const MAX_CONCURRENCY = 64;
const MAX_MODELS = 1_000;

export const UNREADABLE_SOUND = 'The speech process answered with sound that cannot be read.';
const NO_REASON = 'The speech process gave no reason.';

/**
 * Parses a message of a child, in whatever version.
 *
 * @returns undefined for anything that is not a message of the protocol
 */
export const parseChildMessage = ({ message, raw }: Frame): ChildMessage | undefined => {
  const { version, type, payload, metadata } = message;
  if (version === undefined || version === null) return { kind: 'bare', answer: parseBare(message) };
  if (!isRecord(payload)) return undefined;
  if (type === 'event' && payload['type'] === 'ready')
    return { kind: 'ready', model: shortTextOf(payload['model']) };
  if (type === 'event' && payload['type'] === 'failed') return { kind: 'failed', error: parseError(payload) };
  const correlationId = isRecord(metadata) ? metadata['correlationId'] : undefined;
  if (type !== 'response' || typeof correlationId !== 'string') return undefined;
  switch (payload['type']) {
    case 'hello':
      return parseHello(correlationId, payload);
    case 'audio': {
      const sound = parseSound(payload, raw);
      if (sound !== undefined) return { kind: 'audio', correlationId, sound };
      // An answer that claims to be sound but has none still ends its call.
      return errorMessage(correlationId, 'model_failed', UNREADABLE_SOUND);
    }
    case 'error':
      return { kind: 'error', correlationId, error: parseError(payload) };
    case 'pong': {
      const { rss_bytes: rssBytes, jobs_done: jobsDone, model } = payload;
      const health = { rssBytes: countOf(rssBytes), jobsDone: countOf(jobsDone), model: shortTextOf(model) };
      return { kind: 'pong', correlationId, health };
    }
    default:
      return undefined;
  }
};

const parseBare = (message: Fields): BareAnswer | undefined => {
  const { success, output_path: path } = message;
  if (success === false) return { ok: false, error: parseError(message) };
  return success === true ? { ok: true, path: typeof path === 'string' ? path : undefined } : undefined;
};

const parseHello = (correlationId: string, payload: Fields): ChildMessage => {
  const { version, engine, concurrency, models } = payload;
  if (!isProtocolVersion(version)) {
    const chosen = shortTextOf(version) ?? 'none';
    return errorMessage(correlationId, 'request_invalid', `It chose an unknown version: ${chosen}.`);
  }
  const claimed = Number.isInteger(concurrency) ? (concurrency as number) : 1;
  const names: unknown[] = Array.isArray(models) ? models.slice(0, MAX_MODELS) : [];
  const info = {
    version,
    engine: shortTextOf(engine),
    concurrency: Math.min(Math.max(claimed, 1), MAX_CONCURRENCY),
    models: names.flatMap((name) => shortTextOf(name) ?? []),
  };
  return { kind: 'hello', correlationId, info };
};

const parseSound = (payload: Fields, raw: Frame['raw']): WireSound | undefined => {
  const { output_path: path, audio_base64: text, encoding: given } = payload;
  // The header of a file says what it is.
  const encoding = given ?? (raw === undefined && typeof path === 'string' ? 'wav' : undefined);
  if (encoding !== 'pcm_s16le' && encoding !== 'wav') return undefined;
  const format: SoundFormat = { encoding, sampleRateHz: countOf(payload['sample_rate']) };
  if (raw !== undefined) return { kind: 'raw', ...format, bytes: raw };
  if (typeof path === 'string') return { kind: 'file', ...format, path };
  return typeof text === 'string' ? { kind: 'base64', ...format, text } : undefined;
};

/** 1.0 has `error`, the others `message`. An error without a code of ours is classified by its words. */
const parseError = (payload: Fields): ErrorReport => {
  const { code, retryable } = payload;
  const details = shortTextOf(payload['details']);
  const message = shortTextOf(payload['message']) ?? shortTextOf(payload['error']) ?? NO_REASON;
  const known = isErrorCode(code) ? code : classifyWords({ error: message, details });
  const options = {
    ...(typeof retryable === 'boolean' && { retryable }),
    ...(details !== undefined && { details }),
  };
  return reportError(new TalebackError(known, message, options));
};

const errorMessage = (correlationId: string, code: ErrorReport['code'], message: string): ChildMessage => ({
  kind: 'error',
  correlationId,
  error: reportError(new TalebackError(code, message)),
});

const shortTextOf = (value: unknown): string | undefined => textOf(value)?.slice(0, MAX_ERROR_CHARACTERS);

const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
