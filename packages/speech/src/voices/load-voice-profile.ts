import { createHash } from 'node:crypto';
import type { VoiceProfile } from '../engines/index.ts';
import { decodeBase64, MAX_PROFILE_BYTES } from './decode-base64.ts';
import { missingProfile, unusableProfile } from './profile-fault.ts';
import type { ProfileSource } from './profile-of.ts';
import { readRecording } from './read-recording.ts';

export interface ProfilePorts {
  /** The bytes under a key of the store; undefined when there are none. Rejects as the store does. */
  readonly read: (key: string, signal?: AbortSignal) => Promise<Uint8Array | undefined>;
  readonly signal?: AbortSignal | undefined;
}

const MAX_PATH_CHARACTERS = 1024;
const ENDING = /\.(?:wav|wave|mp3|flac|ogg|oga|opus)$/i;

/** Relative, without `..`, a backslash or a hidden file in it, and with the ending of a recording: as paths of narrations. */
const isTrusted = (path: string): boolean =>
  path.length <= MAX_PATH_CHARACTERS &&
  !path.includes('..') &&
  ENDING.test(path) &&
  path.split('/').every((segment) => /^[\w%-][\w.%-]{0,199}$/.test(segment));

const readPath = async (path: string, { read, signal }: ProfilePorts): Promise<Uint8Array> => {
  if (!isTrusted(path))
    throw missingProfile(
      'profile_path: must be relative, without "..", and end in .wav, .mp3, .flac or .ogg',
    );
  const bytes = await read(path, signal);
  if (bytes === undefined) throw missingProfile(`profile_path: nothing lies at ${path}`);
  if (bytes.byteLength > MAX_PROFILE_BYTES)
    throw unusableProfile(`profile_path: ${bytes.byteLength} bytes, at most ${MAX_PROFILE_BYTES}`);
  return bytes;
};

/**
 * The recording that a job names, looked at so that no engine stumbles over it.
 *
 * @returns undefined when the job names none
 * @throws TalebackError `voice_profile_missing`, `voice_profile_corrupt`, `voice_profile_format_invalid` with what is wrong in
 *   their details, or what the store rejects with
 */
export const loadVoiceProfile = async (
  { base64, path }: ProfileSource,
  ports: ProfilePorts,
): Promise<VoiceProfile | undefined> => {
  if (base64 === undefined && path === undefined) return undefined;
  const bytes =
    base64 === undefined ? new Uint8Array(await readPath(path ?? '', ports)) : decodeBase64(base64);
  readRecording(bytes);
  return { bytes, hash: createHash('sha256').update(bytes).digest('hex') };
};
