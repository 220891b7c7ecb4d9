import {
  type Auth,
  onAuthStateChanged,
  signInAnonymously,
  signInWithCustomToken,
  signOut,
} from 'firebase/auth';
import type { Feed, SignInAnswer, Found, Listener, Watch } from './feed.ts';
import {
  type DocumentReference,
  type FirestoreError,
  onSnapshot,
  type Query,
  type SnapshotListenOptions,
} from 'firebase/firestore';
import type { Fields } from '../documents/fields.ts';

const SWITCHED_OFF = new Set(['auth/operation-not-allowed', 'auth/admin-restricted-operation']);

const explain = (fault: unknown): SignInAnswer => {
  const { code, message } = fault as { code?: string; message?: string };
  if (code === 'auth/network-request-failed' || code === 'auth/timeout') return { kind: 'unreached' };
  if (code !== undefined && SWITCHED_OFF.has(code)) {
    return { kind: 'refused', words: 'Signing in as a guest is switched off for this project.' };
  }
  return { kind: 'refused', words: message ?? String(fault) };
};

const signingIn = async (attempt: Promise<unknown>): Promise<SignInAnswer> => {
  try {
    await attempt;
    return { kind: 'signed-in' };
  } catch (fault) {
    return explain(fault);
  }
};

/** The part of the feed that Firebase Auth answers. */
export const firebaseReader = (
  auth: Auth,
): Pick<Feed, 'watchReader' | 'signInAsGuest' | 'signInWithToken' | 'signOut'> => ({
  watchReader: (report) =>
    onAuthStateChanged(auth, (user) =>
      report(
        user === null
          ? undefined
          : { uid: user.uid, isGuest: user.isAnonymous, name: user.displayName ?? undefined },
      ),
    ),
  signInAsGuest: () => signingIn(signInAnonymously(auth)),
  signInWithToken: (token) => signingIn(signInWithCustomToken(auth, token)),
  signOut: () => signOut(auth),
});

/** Metadata changes show when the server was lost and found again, even where no field changed. */
const WITH_METADATA: SnapshotListenOptions = { includeMetadataChanges: true };

const failing =
  (listener: Pick<Listener<unknown>, 'fail'>) =>
  ({ code }: FirestoreError): void =>
    listener.fail(code === 'permission-denied' || code === 'unauthenticated' ? 'denied' : 'broken');

/** Watches one document. That the cache does not know it does not mean that there is none. */
export const watchDocument =
  <T>(reference: DocumentReference, read: (id: string, fields: Fields) => T): Watch<Found<T>> =>
  (listener) =>
    onSnapshot(
      reference,
      WITH_METADATA,
      (snapshot) => {
        const fields = snapshot.data({ serverTimestamps: 'estimate' });
        const document = fields === undefined ? undefined : read(snapshot.id, fields);
        if (!snapshot.metadata.fromCache) listener.next({ from: 'server', value: { document } });
        else listener.next({ from: 'cache', value: document === undefined ? undefined : { document } });
      },
      failing(listener),
    );

/** Watches the documents of a query. An empty cache does not mean that there are none. */
export const watchQuery =
  <T>(
    documents: Query,
    read: (id: string, fields: Fields) => T,
    arrange: (values: readonly T[]) => readonly T[] = (values) => values,
  ): Watch<readonly T[]> =>
  (listener) =>
    onSnapshot(
      documents,
      WITH_METADATA,
      ({ docs, metadata }) => {
        const value = arrange(docs.map((one) => read(one.id, one.data({ serverTimestamps: 'estimate' }))));
        if (!metadata.fromCache) listener.next({ from: 'server', value });
        else listener.next({ from: 'cache', value: docs.length === 0 ? undefined : value });
      },
      failing(listener),
    );
