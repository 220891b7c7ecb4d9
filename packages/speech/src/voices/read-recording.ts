import { isWav } from '../audio/index.ts';
import { corruptProfile, unusableProfile } from './profile-fault.ts';
import { readFlac } from './read-flac.ts';
import { readMp3 } from './read-mp3.ts';
import { readOgg } from './read-ogg.ts';
import { readWav } from './read-wav.ts';
import { type Recording, tagAt } from './recording.ts';

/** A voice cannot be taken from less; more is no sample of a voice but a book. */
const DURATION_RANGE_MS = { min: 1000, max: 600_000 } as const;
/** From telephones to studios. */
const RATE_RANGE_HZ = { min: 8000, max: 192_000 } as const;
const MAX_CHANNELS = 2;
/** Nobody hears speech below it: -55 dB of full scale, as `SILENT_RMS` of the narrator's own sound. */
const SILENT_RMS = 60 / 32_768;

/** What people send instead, to be named in the refusal. */
const OTHERS: readonly { readonly name: string; readonly starts: RegExp }[] = [
  { name: 'MP4 or M4A', starts: /^.{4}ftyp/s },
  { name: 'WebM or Matroska', starts: /^.E\u00df\u00a3/s },
  { name: 'AIFF', starts: /^FORM.{4}AIF/s },
  { name: 'AMR', starts: /^#!AMR/ },
  { name: 'a big-endian or 64-bit WAV', starts: /^(?:RIFX|RF64|BW64)/ },
  { name: 'WMA', starts: /^0&\u00b2u/ },
  { name: 'text', starts: /^[\t\n\r -~\u0080-\u00ff]+$/ },
];

const readerFor = (bytes: Uint8Array): ((bytes: Uint8Array) => Recording) => {
  const start = tagAt(bytes, 0, 16);
  if (start === '') throw corruptProfile('is empty');
  if (isWav(bytes)) return readWav;
  if (start.startsWith('fLaC')) return readFlac;
  if (start.startsWith('OggS')) return readOgg;
  if (start.startsWith('ID3')) return readMp3;
  const [sync = 0, kind = 0] = bytes;
  // Bits of the layer that are 0 make it AAC.
  if (sync === 0xff && (kind & 0xe0) === 0xe0 && (kind & 6) !== 0) return readMp3;
  const other = OTHERS.find(({ starts }) => starts.test(start))?.name ?? 'nothing known';
  throw unusableProfile(`looks like ${other}, not like WAV, MP3, FLAC or Ogg`);
};

const verifyRange = (
  what: string,
  value: number,
  { min, max }: { min: number; max: number },
  unit: string,
): void => {
  if (value >= min && value <= max) return;
  throw unusableProfile(`${what} is ${Math.round(value)} ${unit}, must be ${min} to ${max}`);
};

/**
 * Finds out what a recording is and whether a voice can be taken from it: WAV, MP3, FLAC or Ogg, one or two channels,
 * 1 s to 10 min, not silent.
 *
 * @throws TalebackError `voice_profile_corrupt`, `voice_profile_format_invalid`
 */
export const readRecording = (bytes: Uint8Array): Recording => {
  const recording = readerFor(bytes)(bytes);
  const { format, channels, sampleRateHz, durationMs, rms } = recording;
  if (channels > MAX_CHANNELS) throw unusableProfile(`${format}: has ${channels} channels, must have 1 or 2`);
  verifyRange(`${format}: sample rate`, sampleRateHz, RATE_RANGE_HZ, 'Hz');
  if (durationMs !== undefined) verifyRange(`${format}: duration`, durationMs, DURATION_RANGE_MS, 'ms');
  if (rms !== undefined && rms < SILENT_RMS) throw corruptProfile(`${format}: is silent`);
  return recording;
};
