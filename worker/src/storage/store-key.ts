import { isWellFormed, TalebackError, toWellFormed } from '@taleback/core';

/** What buckets take. @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const MAX_KEY_BYTES = 1_024;
/** File systems hold names of 255 bytes, of which a sidecar's ending and a draft's take 47. */
const MAX_SEGMENT_BYTES = 208;

/** Ending of the document beside an audio. */
const SIDECAR_ENDING = '.json';

const bytesOf = (text: string): number => Buffer.byteLength(text);

/** Why no store may take a key; undefined when every store can. */
const faultOf = (key: string): string | undefined => {
  if (!isWellFormed(key)) return 'is no text';
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(key)) return 'holds a control character or a backslash';
  const segments = key.split('/');
  if (segments.some((segment) => ['', '.', '..'].includes(segment))) return 'leaves the folder';
  if (segments.some((segment) => bytesOf(segment) > MAX_SEGMENT_BYTES)) return 'has too long a name in it';
  return bytesOf(key) + SIDECAR_ENDING.length > MAX_KEY_BYTES ? 'is too long' : undefined;
};

const refuse = (key: string, fault: string): TalebackError =>
  new TalebackError('storage_upload_failed', 'This is no place in the store', {
    details: `${toWellFormed(key.slice(0, MAX_KEY_BYTES))}: ${fault}`,
    retryable: false,
  });

/**
 * The one place where keys are judged: relative, without `.`, `..` or an empty name in its path, and short enough for
 * a file system and a bucket (names of 208 bytes, 1,019 in all).
 * @throws TalebackError `storage_upload_failed`, not to be tried again
 */
export const checkStoreKey = (key: string): void => {
  const fault = faultOf(key);
  if (fault !== undefined) throw refuse(key, fault);
};

/**
 * `checkStoreKey` for an audio, whose name may not look like that of a sidecar.
 * @returns the key of its sidecar
 */
export const checkAudioKey = (key: string): string => {
  checkStoreKey(key);
  if (key.endsWith(SIDECAR_ENDING)) throw refuse(key, 'has the ending of what lies beside an audio');
  return `${key}${SIDECAR_ENDING}`;
};

/** A key as the path of an address. RFC 3986 in full, because a signature covers exactly these characters. */
export const keyAddress = (key: string): string =>
  key
    .split('/')
    .map((segment) =>
      encodeURIComponent(segment).replace(
        /[!'()*]/g,
        (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
    )
    .join('/');
