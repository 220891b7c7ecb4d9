import type { Storage } from 'firebase-admin/storage';
import { within } from '../stories/firestore-calls.node.ts';
import type { ObjectStore } from '../stories/recordings.ts';
import { type AudioPlace, refuseUnlessNarration } from './find-audio.ts';

export interface GcsAudioOptions {
  /** Opens the bucket with the first request; callbacks, the common case, do not need it. */
  readonly openBucket: () => Promise<ReturnType<Storage['bucket']>>;
  /** Address that the bucket is published under, without a closing slash. Without it, addresses are signed. */
  readonly publicUrl: string | undefined;
  /** How long a signed address holds, seconds, at most 604,800. */
  readonly signedUrlSeconds: number;
}

const NOT_FOUND = 404;
const TIMEOUT_MS = 5_000;
/** All pages; the client asks for a thousand keys at once. */
const LIST_TIMEOUT_MS = 30_000;

const isAbsent = (error: unknown): boolean => {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return Number(code) === NOT_FOUND && !/bucket does not exist/i.test(String(message));
};

/** A bucket of Cloud Storage, used with the functions' service account. */
export const createGcsAudioPlace = ({
  openBucket,
  publicUrl,
  signedUrlSeconds,
}: GcsAudioOptions): AudioPlace & ObjectStore => ({
  probe: async (key) => {
    const file = (await openBucket()).file(key);
    try {
      const [{ contentType, size }] = await within(TIMEOUT_MS, file.getMetadata());
      return { status: 200, contentType, sizeBytes: Number(size) };
    } catch (error) {
      // Any other answer says nothing about the audio.
      if (isAbsent(error)) return { status: NOT_FOUND, contentType: undefined, sizeBytes: Number.NaN };
      throw error;
    }
  },
  urlOf: async (key) => {
    refuseUnlessNarration(key);
    if (publicUrl !== undefined) return `${publicUrl}/${key.split('/').map(encodeURIComponent).join('/')}`;
    const expires = Date.now() + signedUrlSeconds * 1_000;
    const file = (await openBucket()).file(key);
    const signed = file.getSignedUrl({ version: 'v4', action: 'read', expires });
    return (await within(TIMEOUT_MS, signed))[0];
  },
  write: async (key, bytes) => {
    const options = { resumable: false, metadata: { cacheControl: 'no-store' } };
    await within(TIMEOUT_MS, (await openBucket()).file(key).save(Buffer.from(bytes), options));
  },
  read: async (key) => {
    try {
      return (await within(TIMEOUT_MS, (await openBucket()).file(key).download()))[0];
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  },
  list: async (prefix) =>
    (await within(LIST_TIMEOUT_MS, (await openBucket()).getFiles({ prefix })))[0].map(({ name }) => name),
  remove: async (key) => {
    await within(TIMEOUT_MS, (await openBucket()).file(key).delete({ ignoreNotFound: true }));
  },
});
