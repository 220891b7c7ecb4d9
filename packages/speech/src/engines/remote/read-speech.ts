import { TalebackError } from '@taleback/core';
import { isSilent, isWav, type Pcm } from '../../audio/index.ts';
import type { HttpAnswer } from './speech-http.ts';
import { readWav } from './wav-reader.ts';

export interface ReadSpeechOptions {
  /** The engine's name. */
  readonly service: string;
  /** When samples without a header were asked for (16 bits, one channel, little-endian): their rate, Hz. */
  readonly rawRateHz?: number | undefined;
}

/** Types under which the bytes may be what was asked for: some servers and proxies know only the last one. */
const SOUND_TYPE = /^(audio\/|application\/octet-stream|binary\/octet-stream)/u;

/** @throws TalebackError `audio_missing`, `audio_silent`. */
const verifyHeard = (pcm: Pcm): Pcm => {
  if (pcm.samples.length === 0) throw new TalebackError('audio_missing', 'The speech service made no sound.');
  if (isSilent(pcm.samples)) throw new TalebackError('audio_silent', 'The speech service made only silence.');
  return pcm;
};

const rawSamples = (bytes: Uint8Array<ArrayBuffer>): Int16Array<ArrayBuffer> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Int16Array.from({ length: bytes.length >> 1 }, (_, index) => view.getInt16(index * 2, true));
};

/**
 * The sound of an answer with status 200.
 *
 * @throws TalebackError `audio_missing` for none, `audio_silent`, `provider_unavailable` when a page or JSON came
 * instead of sound, `model_failed` when the sound cannot be read.
 */
export const readSpeech = ({ headers, body }: HttpAnswer, { service, rawRateHz }: ReadSpeechOptions): Pcm => {
  const type = headers['content-type']?.toLowerCase();
  if (type !== undefined && !SOUND_TYPE.test(type)) {
    throw new TalebackError(
      'provider_unavailable',
      'Something else answers at the address of the speech service.',
      {
        details: `${service} sent ${type.slice(0, 80)} instead of sound`,
      },
    );
  }
  if (body.length === 0) throw new TalebackError('audio_missing', 'The speech service made no sound.');
  if (rawRateHz === undefined || isWav(body)) return verifyHeard(readWav(body));
  if (body.length % 2 !== 0) {
    throw new TalebackError('audio_missing', 'The answer of the speech service broke off.', {
      details: `half a sample after ${body.length} bytes`,
    });
  }
  return verifyHeard({ sampleRateHz: rawRateHz, samples: rawSamples(body) });
};
