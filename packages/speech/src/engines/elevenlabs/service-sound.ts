import { TalebackError } from '@taleback/core';
import type { Pcm } from '../../audio/index.ts';
import type { HttpAnswer } from '../remote/speech-http.ts';

/** Asked for as `pcm_24000`: raw little-endian 16-bit samples, one channel, no header. */
export const SERVICE_RATE_HZ = 24_000;

/**
 * The samples of a good answer.
 *
 * @throws TalebackError `audio_missing` for none and for half a sample, `provider_unavailable` when it is words instead of
 * sound, as a proxy or a sign-in page gives them with a status of 200.
 */
export const parsePcm = ({ headers, body }: Pick<HttpAnswer, 'headers' | 'body'>): Pcm => {
  const contentType = headers['content-type'] ?? '';
  if (/json|html|text/iu.test(contentType)) {
    throw new TalebackError('provider_unavailable', 'ElevenLabs answered with words instead of sound.', {
      details: `content type ${contentType.slice(0, 80)}`,
    });
  }
  if (body.length === 0) throw new TalebackError('audio_missing', 'ElevenLabs made no sound.');
  if (body.length % 2 !== 0) {
    throw new TalebackError('audio_missing', 'The sound of ElevenLabs broke off.', {
      details: `${body.length} bytes are no whole number of 16-bit samples`,
    });
  }
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const samples = new Int16Array(body.length / 2);
  for (let index = 0; index < samples.length; index += 1) samples[index] = view.getInt16(index * 2, true);
  return { sampleRateHz: SERVICE_RATE_HZ, samples };
};
