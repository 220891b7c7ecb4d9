import { TalebackError } from '@taleback/core/errors';
import { isSilent, type Pcm } from '../../audio/pcm.ts';
import { isWav, readWavLayout, readWavSamples } from '../../audio/wav.ts';
import { answeredByAnother } from './service-fault.ts';
import type { HttpAnswer } from './speech-http.node.ts';

/** Some servers and proxies know no other type than the last one. */
const SOUND_TYPE = /^(audio\/|application\/octet-stream|binary\/octet-stream)/u;
/** Writers that stream put 0, or something near the largest size, where they cannot know the size yet. */
const LEAST_FAKE_SIZE = 0x7fff_0000;

const noSound = (): TalebackError => new TalebackError('audio_missing', 'The speech service made no sound.');

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

const mixed = (interleaved: Int16Array, channels: number): Int16Array<ArrayBuffer> =>
  Int16Array.from({ length: interleaved.length / channels }, (_, index) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1)
      sum += interleaved[index * channels + channel] ?? 0;
    return sum / channels;
  });

/** Little-endian samples of 16 bits, one channel. */
const readRaw = (bytes: Uint8Array, sampleRateHz: number): Pcm => {
  if (bytes.length % 2 !== 0) throw brokeOff(`half a sample after ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = { length: bytes.length / 2 };
  return { sampleRateHz, samples: Int16Array.from(count, (_, index) => view.getInt16(index * 2, true)) };
};

/**
 * The sound in an answer with status 200.
 *
 * @param service the engine's name
 * @param rawRateHz when headerless samples were requested, their rate
 * @throws TalebackError `audio_missing` for none, `audio_silent`, `provider_unavailable` when a page or JSON came
 * instead of sound, `model_failed` when the sound cannot be read.
 */
export const readSpeech = ({ headers, body }: HttpAnswer, service: string, rawRateHz?: number): Pcm => {
  const type = headers['content-type']?.toLowerCase();
  if (type !== undefined && !SOUND_TYPE.test(type)) {
    throw answeredByAnother(`${service} sent ${type.slice(0, 80)} instead of sound`);
  }
  if (body.length === 0) throw noSound();
  const pcm = rawRateHz === undefined || isWav(body) ? readWav(body) : readRaw(body, rawRateHz);
  if (pcm.samples.length === 0) throw noSound();
  if (isSilent(pcm.samples)) throw new TalebackError('audio_silent', 'The speech service made only silence.');
  return pcm;
};
