import { createHash } from 'node:crypto';
import { toWellFormed } from '../storable/document.ts';

export interface AudioKeyParts {
  readonly userId: string | undefined;
  readonly storyId: string;
  readonly language: string;
  /** Differs between narrations of a story, such as the job's id. */
  readonly version: string;
}

const EXTENSION = 'mp3';

/** File systems hold names of 255 characters, of which the ending and a draft's ending take 51. */
const MAX_SEGMENT_CHARACTERS = 200;
/** Objects in a bucket have keys of at most 1,024 bytes. @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const MAX_PATH_CHARACTERS = 1024;
const LEGIBLE_CHARACTERS = 100;

/**
 * One path segment that is safe in a file system, a bucket and an address, and that no server takes for a hidden
 * file; what is not is percent-encoded. The end of a very long one becomes its hash.
 *
 * @example
 * import { safeSegment } from '@taleback/core/storage';
 * safeSegment('a/b'); // 'a%2Fb'
 */
export const safeSegment = (text: string): string => {
  const safe = encodeURIComponent(toWellFormed(text))
    .replace(/[!'()*~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\.+/, (dots) => dots.replaceAll('.', '%2E'));
  if (safe.length <= MAX_SEGMENT_CHARACTERS - EXTENSION.length - 1) return safe;
  return `${safe.slice(0, LEGIBLE_CHARACTERS)}-${createHash('sha256').update(safe).digest('hex')}`;
};

/**
 * `private/users/{user}/stories/audio/{language}/{story}/{version}.mp3`, as the source systems lay it out.
 *
 * @example
 * import { audioKey } from '@taleback/core/storage';
 * audioKey({ userId: 'ada', storyId: 's1', language: 'en', version: 'j1' }); // '.../ada/.../en/s1/j1.mp3'
 */
export const audioKey = ({ userId, storyId, language, version }: AudioKeyParts): string => {
  const folder = `private/users/${safeSegment(userId ?? 'unknown')}/stories/audio`;
  return `${folder}/${safeSegment(language)}/${safeSegment(storyId)}/${safeSegment(version)}.${EXTENSION}`;
};

/**
 * Whether a key is that of a story's audio, or of what lies beside it, made by one of these jobs.
 *
 * @example
 * import { isAudioOf } from '@taleback/core/storage';
 * isAudioOf('private/users/ada/stories/audio/en/s1/j1.mp3.json', 's1', ['j1']); // true
 */
export const isAudioOf = (key: string, storyId: string, jobIds: readonly string[]): boolean => {
  const [name = '', folder] = key.split('/').toReversed();
  const version = name.replace(/\.mp3(?:\..*)?$/, '');
  return folder === safeSegment(storyId) && jobIds.some((id) => safeSegment(id) === version);
};

/** Below a user's own folder, narrations lie in it or under `stories/`; what else is private is not played. */
const PRIVATE_NARRATION = /^private\/users\/[^/]+\/(?:stories\/.+|[^/]+)$/;
/** Folders of earlier versions, and of other systems, for what is private. */
const PRIVATE_FOLDER = /(?:^|\/)(?:private|recordings|voices|profiles|failed_callbacks)\//i;

/**
 * Whether a key may be that of a narration: what is played, and may have a public address. Recordings of voices and
 * records never are.
 *
 * @example
 * import { isNarrationKey } from '@taleback/core/storage';
 * isNarrationKey('private/users/ada/voices/ann.mp3'); // false
 */
export const isNarrationKey = (key: string): boolean =>
  key.endsWith(`.${EXTENSION}`) && (PRIVATE_NARRATION.test(key) || !PRIVATE_FOLDER.test(key));

const isSafeSegment = (text: string): boolean =>
  /^[\w%-][\w.%-]*$/.test(text) && text.length <= MAX_SEGMENT_CHARACTERS;

/**
 * The path a sender asked for, when it can be trusted: relative, without `..` or a backslash, no hidden file, and that
 * of a narration. Anything else gives undefined, and the default key is used.
 * @see the source handler, which refuses `..` and a leading slash
 *
 * @example
 * import { trustedStoragePath } from '@taleback/core/storage';
 * trustedStoragePath('../etc/passwd'); // undefined
 */
export const trustedStoragePath = (path: string | undefined): string | undefined => {
  if (path === undefined || path.length > MAX_PATH_CHARACTERS || path.includes('..')) return undefined;
  if (!path.split('/').every(isSafeSegment)) return undefined;
  return isNarrationKey(path) ? path : undefined;
};
