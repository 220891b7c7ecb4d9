import { TalebackError } from '@taleback/core/errors';
import { isSilent, type Pcm } from '../../audio/pcm.ts';
import { isWav, readWavLayout, readWavSamples } from '../../audio/wav.ts';
import type { HttpAnswer } from './speech-http.node.ts';

export interface ReadSpeechOptions {
  /** The engine's name. */
  readonly service: string;
  /** Sample rate in Hz, when headerless samples (16 bits, one channel, little-endian) were requested. */
  readonly rawRateHz?: number | undefined;
}

const noSound = (): TalebackError => new TalebackError('audio_missing', 'The speech service made no sound.');

/** Some servers and proxies know no other type than the last one. */
const SOUND_TYPE = /^(audio\/|application\/octet-stream|binary\/octet-stream)/u;
/** Writers that stream put 0, or something near the largest size, where they cannot know the size yet. */
const LEAST_FAKE_SIZE = 0x7fff_0000;

const brokeOff = (details: string): TalebackError =>
  new TalebackError('audio_missing', 'The answer of the speech service broke off.', { details });

const unreadable = (details: string): TalebackError =>
  new TalebackError('model_failed', 'The speech service gave a sound file that cannot be read.', { details });

/**
 * Any uncompressed WAV file, mixed down to one channel of 16 bits: services send what their model produces, which may be
 * floats, and their settings may ask for two channels.
 *
 * @throws TalebackError `model_failed` when it is no such file, `audio_missing` when it is truncated.
 */
export const readWav = (bytes: Uint8Array): Pcm => {
  const layout = readWavLayout(bytes);
  if (typeof layout === 'string') throw unreadable(layout);
  const { format, channels, sampleRateHz, bitsPerSample, soundStart, claimedBytes } = layout;
  const thereBytes = bytes.length - soundStart;
  const isFake = claimedBytes === 0 || claimedBytes >= LEAST_FAKE_SIZE;
  const frames = Math.floor((isFake ? thereBytes : claimedBytes) / ((channels * bitsPerSample) / 8));
  const isCut = !isFake && claimedBytes > thereBytes;
  const isUsable = channels > 0 && sampleRateHz > 0 && bitsPerSample > 0;
  const samples = isUsable ? readWavSamples(bytes, layout, isCut ? 0 : frames * channels) : undefined;
  if (samples === undefined) {
    throw unreadable(`format ${format}, ${channels} channels, ${bitsPerSample} bits, ${sampleRateHz} Hz`);
  }
  if (isCut) throw brokeOff(`${thereBytes} of ${claimedBytes} bytes of sound`);
  return { sampleRateHz, samples: channels === 1 ? samples : mixed(samples, channels) };
};

const mixed = (interleaved: Int16Array, channels: number): Int16Array<ArrayBuffer> => {
  const samples = new Int16Array(interleaved.length / channels);
  for (let index = 0; index < samples.length; index += 1) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1)
      sum += interleaved[index * channels + channel] ?? 0;
    samples[index] = sum / channels;
  }
  return samples;
};

const rawSamples = (bytes: Uint8Array): Int16Array<ArrayBuffer> => {
  if (bytes.length % 2 !== 0) throw brokeOff(`half a sample after ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Int16Array.from({ length: bytes.length / 2 }, (_, index) => view.getInt16(index * 2, true));
};

/**
 * The sound in an answer with status 200.
 *
 * @throws TalebackError `audio_missing` for none, `audio_silent`, `provider_unavailable` when a page or JSON came
 * instead of sound, `model_failed` when the sound cannot be read.
 */
export const readSpeech = ({ headers, body }: HttpAnswer, { service, rawRateHz }: ReadSpeechOptions): Pcm => {
  const type = headers['content-type']?.toLowerCase();
  if (type !== undefined && !SOUND_TYPE.test(type)) {
    const message = 'Something else answers at the address of the speech service.';
    const details = `${service} sent ${type.slice(0, 80)} instead of sound`;
    throw new TalebackError('provider_unavailable', message, { details });
  }
  if (body.length === 0) throw noSound();
  const pcm =
    rawRateHz === undefined || isWav(body)
      ? readWav(body)
      : { sampleRateHz: rawRateHz, samples: rawSamples(body) };
  if (pcm.samples.length === 0) throw noSound();
  if (isSilent(pcm.samples)) throw new TalebackError('audio_silent', 'The speech service made only silence.');
  return pcm;
};
