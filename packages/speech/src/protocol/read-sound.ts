import { TalebackError } from '@taleback/core';
import { type Pcm, parseWav } from '../audio/index.ts';
import type { SoundFormat } from './messages.ts';

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

/** @throws TalebackError `model_failed` when it is no base64 (Node's own reader skips what it does not know). */
export const readBase64 = (text: string): Uint8Array<ArrayBuffer> => {
  if (text.length % 4 !== 0 || !BASE64.test(text)) throw unreadable('no base64');
  return new Uint8Array(Buffer.from(text, 'base64'));
};

const readSamples = (sampleRateHz: number | undefined, bytes: Uint8Array<ArrayBuffer>): Pcm => {
  if (sampleRateHz === undefined) throw unreadable('no sample rate');
  if (bytes.length % 2 === 1) throw unreadable(`${bytes.length} bytes are no 16-bit samples`);
  // Every machine that Node runs on is little-endian, or close enough to it that none was seen.
  return { sampleRateHz, samples: new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) };
};

const unreadable = (details: string): TalebackError =>
  new TalebackError('model_failed', 'The speech process answered with sound that cannot be read.', {
    details,
  });
