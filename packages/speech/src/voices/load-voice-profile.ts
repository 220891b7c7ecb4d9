import { createHash } from 'node:crypto';
import { TalebackError } from '@taleback/core';
import type { VoiceProfile } from '../engines/engine.ts';
import { corruptProfile, readRecording, unusableProfile } from './read-recording.ts';

/** Where a job's recording is; at most one of the two. */
interface ProfileSource {
  /** The recording itself, optionally as a `data:` address. */
  readonly base64?: string | undefined;
  /** Its key in the store. */
  readonly path?: string | undefined;
}

/** A minute of 44.1 kHz stereo in 16 bits; cloning wants ten seconds. */
export const MAX_PROFILE_BYTES = 10 * 2 ** 20;

const tooBig = (): Error => unusableProfile(`is over ${MAX_PROFILE_BYTES} bytes`);

/** What follows `data:audio/wav;base64,`, or all of it. */
const payloadOf = (text: string): string => {
  const trimmed = text.trimStart();
  if (!/^data:/i.test(trimmed)) return trimmed;
  const comma = trimmed.indexOf(',');
  if (comma === -1 || comma > 200 || !/;\s*base64\s*$/i.test(trimmed.slice(0, comma)))
    throw corruptProfile('profile_base64: is a data: address without base64');
  return trimmed.slice(comma + 1);
};

/**
 * Decodes a recording, with or without `data:` before it, white space in it, in the usual alphabet or the one for
 * addresses, with or without padding.
 *
 * @throws TalebackError `voice_profile_corrupt` when it is no base64, `voice_profile_format_invalid` over 10 MiB
 */
const decodeBase64 = (text: string): Uint8Array<ArrayBuffer> => {
  // Four characters are three bytes; twice that, because every second one may be a line break.
  if (text.length > MAX_PROFILE_BYTES * 3) throw tooBig();
  const digits = payloadOf(text).replace(/\s+/g, '');
  const end = digits.search(/={1,2}$/);
  const bare = end === -1 ? digits : digits.slice(0, end);
  const stray = bare.search(/[^A-Za-z0-9+/_-]/);
  // Where, but not what: the characters are a person's voice.
  if (stray !== -1) throw corruptProfile(`profile_base64: holds a character that is no base64 at ${stray}`);
  if (bare.length % 4 === 1) throw corruptProfile('profile_base64: was cut off');
  if (Math.floor((bare.length * 3) / 4) > MAX_PROFILE_BYTES) throw tooBig();
  // Both alphabets are read.
  return new Uint8Array(Buffer.from(bare, 'base64'));
};

/** There is no recording where the job says. */
const missingProfile = (details: string): TalebackError =>
  new TalebackError('voice_profile_missing', 'The recording of the voice is not there.', { details });

export interface ProfilePorts {
  /** The bytes under a key of the store; undefined when there are none. Rejects as the store does. */
  readonly read: (key: string, signal?: AbortSignal) => Promise<Uint8Array | undefined>;
  readonly signal?: AbortSignal | undefined;
}

/** Relative, without `..`, a backslash or a hidden file in it, and with the extension of a recording; ours is kept as `.recording`. */
const isTrusted = (path: string): boolean =>
  path.length <= 1024 &&
  !path.includes('..') &&
  /\.(?:wav|wave|mp3|flac|ogg|oga|opus|m4a|mp4|aac|webm|aif|aiff|recording)$/i.test(path) &&
  path.split('/').every((segment) => /^[\w%-][\w.%-]{0,199}$/.test(segment));

const readPath = async (path: string, { read, signal }: ProfilePorts): Promise<Uint8Array<ArrayBuffer>> => {
  if (!isTrusted(path))
    throw missingProfile(
      'profile_path: must be relative, without "..", and end in .wav, .mp3, .flac, .ogg, .m4a, .aac, .webm or .aiff',
    );
  const bytes = await read(path, signal);
  if (bytes === undefined) throw missingProfile(`profile_path: nothing lies at ${path}`);
  if (bytes.byteLength <= MAX_PROFILE_BYTES) return new Uint8Array(bytes);
  throw unusableProfile(`profile_path: ${bytes.byteLength} bytes, at most ${MAX_PROFILE_BYTES}`);
};

/**
 * The recording that a job names, checked before an engine reads it.
 *
 * @returns undefined when the job names none
 * @throws TalebackError `voice_profile_missing`, `voice_profile_corrupt`, `voice_profile_format_invalid` with what is wrong in
 *   their details, or what the store rejects with
 *
 * @example
 * const ports = { read: () => Promise.reject(new Error('no store')) };
 * await loadVoiceProfile({ base64: undefined, path: undefined }, ports); // undefined
 */
export const loadVoiceProfile = async (
  { base64, path }: ProfileSource,
  ports: ProfilePorts,
): Promise<VoiceProfile | undefined> => {
  if (base64 === undefined && path === undefined) return undefined;
  const bytes = base64 === undefined ? await readPath(path ?? '', ports) : decodeBase64(base64);
  await readRecording(bytes);
  return { bytes, hash: createHash('sha256').update(bytes).digest('hex') };
};
