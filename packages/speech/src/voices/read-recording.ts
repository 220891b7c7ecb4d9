import { errorWords, TalebackError } from '@taleback/core';
import { measureMp3 } from '../audio/mp3-decoder.ts';
import { measureRms, SILENT_RMS } from '../audio/pcm.ts';
import { FLOAT_FORMAT, isWav, readWavLayout, readWavSamples } from '../audio/wav.ts';
import { verifyAiff, verifyFlac, verifyMp4, verifyOgg } from './container-damage.ts';

/** A recording, as far as it can be checked without decoding all of it. */
export interface Recording {
  readonly format: 'wav' | 'mp3' | 'flac' | 'ogg' | 'mp4' | 'aac' | 'webm' | 'aiff';
  readonly sampleRateHz: number;
  readonly channels: number;
  /** Undefined when the file does not say, as with streams from a browser. */
  readonly durationMs: number | undefined;
  /** Root mean square of 16-bit samples; undefined for formats that are not decoded here. */
  readonly rms?: number | undefined;
}

/** A voice cannot be cloned from less; more is not a sample of a voice but a book. */
const DURATION_RANGE = [1000, 600_000, 'ms'] as const;
/** From telephones to studios. */
const RATE_RANGE = [8000, 192_000, 'Hz'] as const;
const MAX_CHANNELS = 2;
/** The rate of every Opus decoder; the file names that of the microphone. */
const OPUS_RATE_HZ = 48_000;
/** More bytes between the frames than in them is damage. */
const LEAST_SOUND_SHARE = 0.5;
/** Of MP3, at 48 kHz; fewer may be a coincidence. */
const THREE_FRAMES_MS = 72;

export const corruptProfile = (details: string): TalebackError =>
  new TalebackError('voice_profile_corrupt', 'The recording of the voice is damaged.', { details });

/** The recording is intact, but no voice can be cloned from it. */
export const unusableProfile = (details: string): TalebackError =>
  new TalebackError('voice_profile_format_invalid', 'The recording of the voice cannot be used.', {
    details,
  });

interface KnownFormat {
  readonly format: Exclude<Recording['format'], 'wav'>;
  readonly starts: RegExp;
  readonly mimeType: string;
  /** Describes damage that music-metadata does not notice. */
  readonly verify?: (bytes: Uint8Array) => string | undefined;
}

/** Formats by their first bytes in Latin-1. In AAC (ADTS) the bits of the MPEG layer are 0. */
const FORMATS: readonly KnownFormat[] = [
  { format: 'flac', starts: /^fLaC/, mimeType: 'audio/flac', verify: verifyFlac },
  { format: 'ogg', starts: /^OggS/, mimeType: 'audio/ogg', verify: verifyOgg },
  { format: 'mp4', starts: /^.{4}ftyp/s, mimeType: 'audio/mp4', verify: verifyMp4 },
  { format: 'webm', starts: /^.E\xdf\xa3/s, mimeType: 'audio/webm' },
  { format: 'aiff', starts: /^FORM.{4}AIF[FC]/s, mimeType: 'audio/aiff', verify: verifyAiff },
  { format: 'aac', starts: /^\xff[\xf0\xf1\xf8\xf9]/, mimeType: 'audio/aac' },
  { format: 'mp3', starts: /^(?:ID3|\xff[\xe0-\xff])/, mimeType: 'audio/mpeg' },
];

/** What people send instead, to be named in the refusal. */
const OTHERS: readonly { readonly name: string; readonly starts: RegExp }[] = [
  { name: 'AMR', starts: /^#!AMR/ },
  { name: 'a big-endian or 64-bit WAV', starts: /^(?:RIFX|RF64|BW64)/ },
  { name: 'WMA', starts: /^0&\xb2u/ },
  { name: 'text', starts: /^[\t\n\r -~\x80-\xff]+$/ },
];

const readWav = (bytes: Uint8Array): Recording => {
  const layout = readWavLayout(bytes);
  if (typeof layout === 'string') throw corruptProfile(`WAV: ${layout}`);
  const { format, channels, sampleRateHz, bitsPerSample, soundStart, claimedBytes } = layout;
  if (sampleRateHz === 0 || channels === 0)
    throw corruptProfile(`WAV: ${channels} channels at ${sampleRateHz} Hz`);
  const thereBytes = bytes.length - soundStart;
  const usableBytes = claimedBytes === 0 ? thereBytes : Math.min(claimedBytes, thereBytes);
  const frames = Math.floor(usableBytes / ((Math.max(bitsPerSample, 1) / 8) * channels));
  const samples = readWavSamples(bytes, layout, frames * channels);
  if (samples === undefined)
    throw unusableProfile(`WAV: format ${format} with ${bitsPerSample} bits is not read`);
  if (frames === 0) throw corruptProfile('WAV: there is no sound in it');
  if (format === FLOAT_FORMAT && !areNumbers(bytes, soundStart, frames * channels, bitsPerSample))
    throw corruptProfile('WAV: holds samples that are no numbers');
  const durationMs = (frames * 1000) / sampleRateHz;
  return { format: 'wav', sampleRateHz, channels, durationMs, rms: measureRms(samples) };
};

const areNumbers = (bytes: Uint8Array, start: number, count: number, bits: number): boolean => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let index = 0; index < count; index += 1) {
    const at = start + (index * bits) / 8;
    if (!Number.isFinite(bits === 64 ? view.getFloat64(at, true) : view.getFloat32(at, true))) return false;
  }
  return true;
};

/** The error for a file that music-metadata cannot read: layers I and II of MPEG begin like damaged MP3 files. */
const unreadable = (format: string, [sync, kind = 0]: Uint8Array, words: string): TalebackError =>
  format === 'mp3' && sync === 0xff && ((kind >> 1) & 3) >= 2
    ? unusableProfile('MPEG audio, but not layer III')
    : corruptProfile(`${format}: ${words}`);

/** Decodes all of an MP3: its sizes say nothing about rubbish between the frames. */
const readMp3 = async (bytes: Uint8Array, expectedMs: number): Promise<Partial<Recording>> => {
  const { durationMs, rms } = await measureMp3(bytes);
  if (durationMs >= Math.max(THREE_FRAMES_MS, expectedMs * LEAST_SOUND_SHARE)) return { durationMs, rms };
  throw unreadable('mp3', bytes, `${Math.round(durationMs)} ms of sound in ${bytes.length} bytes`);
};

const readContainer = async (
  bytes: Uint8Array,
  { format, mimeType, verify }: KnownFormat,
): Promise<Recording> => {
  const damage = verify?.(bytes);
  if (damage !== undefined) throw corruptProfile(`${format}: ${damage}`);
  // Loaded here: few stories bring a recording.
  const { parseBuffer } = await import('music-metadata');
  const parsing = parseBuffer(bytes, { mimeType }, { duration: true, skipCovers: true });
  const { format: facts } = await parsing.catch((error: unknown) => {
    throw unreadable(format, bytes, errorWords(error));
  });
  const { sampleRate = 0, numberOfChannels: channels = 0, duration = 0, codec = '' } = facts;
  if (format === 'ogg' && !/^(?:Vorbis|Opus|FLAC)/.test(codec))
    throw unusableProfile('ogg: holds neither Vorbis, Opus nor FLAC');
  const sampleRateHz = codec === 'Opus' ? OPUS_RATE_HZ : sampleRate;
  if (sampleRateHz === 0 || channels === 0) throw unreadable(format, bytes, 'has no rate or no channels');
  const durationMs = duration === 0 ? undefined : duration * 1000;
  const recording = { format, sampleRateHz, channels, durationMs };
  if (format === 'mp3') return { ...recording, ...(await readMp3(bytes, durationMs ?? 0)) };
  // A FLAC or WebM stream need not say how long it is, nor does Opus of an unknown rate.
  if (duration > 0 || format === 'flac' || format === 'webm' || codec === 'Opus') return recording;
  throw corruptProfile(`${format}: there is no sound in it`);
};

const read = async (bytes: Uint8Array): Promise<Recording> => {
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  if (start === '') throw corruptProfile('is empty');
  if (isWav(bytes)) return readWav(bytes);
  const known = FORMATS.find(({ starts }) => starts.test(start));
  if (known !== undefined) return readContainer(bytes, known);
  const other = OTHERS.find(({ starts }) => starts.test(start))?.name ?? 'nothing known';
  throw unusableProfile(`looks like ${other}, not like WAV, MP3, FLAC, Ogg, M4A, AAC, WebM or AIFF`);
};

const verifyRange = (
  what: string,
  value: number,
  [min, max, unit]: readonly [number, number, string],
): void => {
  if (value >= min && value <= max) return;
  throw unusableProfile(`${what} is ${Math.round(value)} ${unit}, must be ${min} to ${max}`);
};

/**
 * Checks what a recording is and whether a voice can be cloned from it: WAV, MP3, FLAC, Ogg, MP4 (M4A), AAC, WebM or
 * AIFF, one or two channels, 1 s to 10 min, not silent.
 *
 * @throws TalebackError `voice_profile_corrupt`, `voice_profile_format_invalid`
 */
export const readRecording = async (bytes: Uint8Array): Promise<Recording> => {
  const recording = await read(bytes);
  const { format, channels, sampleRateHz, durationMs, rms } = recording;
  if (channels > MAX_CHANNELS) throw unusableProfile(`${format}: has ${channels} channels, must have 1 or 2`);
  verifyRange(`${format}: sample rate`, sampleRateHz, RATE_RANGE);
  if (durationMs !== undefined) verifyRange(`${format}: duration`, durationMs, DURATION_RANGE);
  if (rms !== undefined && rms < SILENT_RMS) throw corruptProfile(`${format}: is silent`);
  return recording;
};
