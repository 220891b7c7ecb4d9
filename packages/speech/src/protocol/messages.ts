import {
  classifyWords,
  type ErrorReport,
  isErrorCode,
  reportError,
  TalebackError,
  toTalebackError,
} from '@taleback/core/errors';
import { isRecord, textOf } from '@taleback/core/json';
import type { Pcm } from '../audio/pcm.ts';
import { parseWav } from '../audio/wav.ts';
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
    case 'audio':
      return parseAudio(correlationId, payload, raw);
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
    const fault = new TalebackError('request_invalid', `It chose an unknown version: ${chosen}.`);
    return { kind: 'error', correlationId, error: reportError(fault) };
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

/** An answer that claims to be sound but has none still ends its call, as an error. */
const parseAudio = (correlationId: string, payload: Fields, raw: Frame['raw']): ChildMessage => {
  const { output_path: path, audio_base64: text, encoding: given } = payload;
  const isFile = raw === undefined && typeof path === 'string';
  // The header of a file says what it is.
  const encoding = given ?? (isFile ? 'wav' : undefined);
  try {
    if (encoding !== 'pcm_s16le' && encoding !== 'wav') throw unreadable();
    const format: SoundFormat = { encoding, sampleRateHz: countOf(payload['sample_rate']) };
    if (isFile) return { kind: 'file', correlationId, ...format, path };
    return { kind: 'audio', correlationId, sound: readSound(format, raw ?? readBase64(text)) };
  } catch (error) {
    return { kind: 'error', correlationId, error: reportError(toTalebackError(error)) };
  }
};

/** Rates that speech engines work at lie well within these; anything else is a broken header. */
const SAMPLE_RATE_HZ = { min: 8_000, max: 192_000 } as const;

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Samples out of bytes of the wire, which then belong to the sound.
 *
 * @throws TalebackError `model_failed` when they are not what they claim to be.
 */
export const readSound = ({ encoding, sampleRateHz }: SoundFormat, bytes: Uint8Array<ArrayBuffer>): Pcm => {
  const sound = encoding === 'wav' ? parseWav(bytes) : readSamples(sampleRateHz, bytes);
  const rate = sound.sampleRateHz;
  if (!Number.isInteger(rate) || rate < SAMPLE_RATE_HZ.min || rate > SAMPLE_RATE_HZ.max) {
    throw unreadable(`a sample rate of ${rate} Hz`);
  }
  return sound;
};

/** @throws TalebackError `model_failed` for anything but base64 (Node's own reader skips what it does not know). */
export const readBase64 = (text: unknown): Uint8Array<ArrayBuffer> => {
  if (typeof text !== 'string') throw unreadable();
  if (text.length % 4 !== 0 || !BASE64.test(text)) throw unreadable('no base64');
  return new Uint8Array(Buffer.from(text, 'base64'));
};

const readSamples = (sampleRateHz: number | undefined, bytes: Uint8Array<ArrayBuffer>): Pcm => {
  if (sampleRateHz === undefined) throw unreadable('no sample rate');
  if (bytes.length % 2 === 1) throw unreadable(`${bytes.length} bytes are no 16-bit samples`);
  // Node's machines are little-endian, as the wire is.
  return { sampleRateHz, samples: new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) };
};

const unreadable = (details?: string): TalebackError =>
  new TalebackError(
    'model_failed',
    'The speech process answered with sound that cannot be read.',
    details === undefined ? {} : { details },
  );

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

const shortTextOf = (value: unknown): string | undefined => textOf(value)?.slice(0, MAX_ERROR_CHARACTERS);

const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
