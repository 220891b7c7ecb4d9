import { createNames } from '@taleback/core';
import { initializeApp } from 'firebase/app';
import {
  browserLocalPersistence,
  connectAuthEmulator,
  indexedDBLocalPersistence,
  initializeAuth,
  onIdTokenChanged,
  signInAnonymously,
  signInWithCustomToken,
  signOut,
} from 'firebase/auth';
import {
  collection,
  connectFirestoreEmulator,
  type DocumentReference,
  doc,
  FirestoreError,
  getFirestore,
  limit,
  onSnapshot,
  orderBy,
  type Query,
  query,
  runTransaction,
  serverTimestamp,
  setDoc,
  where,
} from 'firebase/firestore';
import { connectFunctionsEmulator, getFunctions, httpsCallable } from 'firebase/functions';
import type { PageConfig } from '../config.ts';
import { inOrder, readAttempt } from '../documents/attempt.ts';
import { type Engine, type OwnVoice, readMenu, readOwnVoice, withOwnVoices } from '../documents/engine.ts';
import type { Fields } from '../documents/fields.ts';
import { isSameWords, readStory, type StoryWords } from '../documents/story.ts';
import { isRenewed, parseAnswer, parseDeletion, parseRefusal } from './ask.ts';
import type { AudioAsk, Feed, Found, Listener, SaveAnswer, SignInAnswer, Snapshot, Watch } from './feed.ts';

/** The list shows the newest stories; an older one still opens by its address. */
const MAX_LISTED_STORIES = 200;
/** A story has as many attempts as people asked for; more than this is not read as history any more. */
const MAX_ATTEMPTS = 100;
/** Opening a job is one transaction and one publish; a server that needs longer has lost us. */
const ASK_TIMEOUT_MS = 30_000;
/** Metadata changes show when the server was lost and found again, even where no field changed. */
const WITH_METADATA = { includeMetadataChanges: true } as const;

type Read<T> = (id: string, fields: Fields) => T;

const failing =
  ({ fail }: Pick<Listener<unknown>, 'fail'>) =>
  ({ code }: FirestoreError): void =>
    fail(code === 'permission-denied' ? 'denied' : 'broken');

/** Watches one document. That the cache does not know it does not mean that there is none. */
const watchDocument =
  <T>(reference: DocumentReference, read: Read<T>): Watch<Found<T>> =>
  (listener) =>
    onSnapshot(
      reference,
      WITH_METADATA,
      (snapshot) => {
        const fields = snapshot.data();
        const document = fields === undefined ? undefined : read(snapshot.id, fields);
        if (!snapshot.metadata.fromCache) listener.next({ from: 'server', value: { document } });
        else listener.next({ from: 'cache', value: document === undefined ? undefined : { document } });
      },
      failing(listener),
    );

/** Watches the documents of a query. An empty cache does not mean that there are none. */
const watchQuery =
  <T>(
    documents: Query,
    read: Read<T>,
    arrange: (values: readonly T[]) => readonly T[] = (values) => values,
  ): Watch<readonly T[]> =>
  (listener) =>
    onSnapshot(
      documents,
      WITH_METADATA,
      ({ docs, metadata }) => {
        const value = arrange(docs.map((one) => read(one.id, one.data())));
        if (!metadata.fromCache) listener.next({ from: 'server', value });
        else listener.next({ from: 'cache', value: docs.length === 0 ? undefined : value });
      },
      failing(listener),
    );

/** Watches the list in a document; where there is no document, it is empty. */
const listIn =
  <T>(watch: Watch<Found<readonly T[]>>): Watch<readonly T[]> =>
  ({ next, fail }) =>
    watch({
      next: ({ from, value }) =>
        next(from === 'server' ? { from, value: value?.document ?? [] } : { from, value: value?.document }),
      fail,
    });

/** The menu with the reader's own voices; while these cannot be read, the menu alone. */
const watchMenu =
  (menu: Watch<readonly Engine[]>, own: Watch<readonly OwnVoice[]>): Watch<readonly Engine[]> =>
  ({ next, fail }) => {
    let last: Snapshot<readonly Engine[]> | undefined;
    let voices: readonly OwnVoice[] = [];
    const report = (): void => {
      if (last === undefined) return;
      next(last.value === undefined ? last : { ...last, value: withOwnVoices(last.value, voices) });
    };
    const stops = [
      menu({
        next: (snapshot) => {
          last = snapshot;
          report();
        },
        fail,
      }),
      own({
        next: ({ value }) => {
          voices = value ?? voices;
          report();
        },
        fail: () => undefined,
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  };

const signingIn = async (attempt: Promise<unknown>): Promise<SignInAnswer> => {
  try {
    await attempt;
    return { kind: 'signed-in' };
  } catch (fault) {
    const { code, message } = fault as { code?: string; message?: string };
    if (code === 'auth/network-request-failed' || code === 'auth/timeout') return { kind: 'unreached' };
    const isOff = code === 'auth/operation-not-allowed' || code === 'auth/admin-restricted-operation';
    const off = 'Signing in as a guest is switched off for this project.';
    return { kind: 'refused', words: isOff ? off : (message ?? String(fault)) };
  }
};

/** Codes of Firestore about the connection, not about the write. */
const UNREACHED = /^(unavailable|deadline-exceeded|aborted|cancelled|unauthenticated)$/;

const saving = async (storyId: string, write: Promise<StoryWords | void>): Promise<SaveAnswer> => {
  try {
    const saved = await write;
    return saved === undefined ? { kind: 'saved', storyId } : { kind: 'conflict', saved };
  } catch (fault) {
    if (fault instanceof FirestoreError && UNREACHED.test(fault.code)) return { kind: 'unreached' };
    return { kind: 'refused', words: fault instanceof Error ? fault.message : String(fault) };
  }
};

/**
 * The feed on Firebase: Firestore to watch and to write stories, callable functions to ask, Auth to sign in. Sign-in has no
 * pop-ups, so their code stays out; Firestore keeps its cache in memory and detects networks that block streams.
 */
export const openFirebaseFeed = async ({
  firebase,
  region,
  instance,
  appCheck,
  emulators,
}: PageConfig): Promise<Feed> => {
  const app = initializeApp(firebase);
  if (appCheck !== undefined) {
    const { initializeAppCheck, ReCaptchaEnterpriseProvider } = await import('firebase/app-check');
    const provider = new ReCaptchaEnterpriseProvider(appCheck);
    initializeAppCheck(app, { provider, isTokenAutoRefreshEnabled: true });
  }
  const auth = initializeAuth(app, { persistence: [indexedDBLocalPersistence, browserLocalPersistence] });
  const firestore = getFirestore(app);
  const functions = getFunctions(app, region);
  if (emulators !== undefined) {
    connectAuthEmulator(auth, emulators.auth, { disableWarnings: true });
    connectFirestoreEmulator(firestore, emulators.firestore.host, emulators.firestore.port);
    connectFunctionsEmulator(functions, emulators.functions.host, emulators.functions.port);
  }
  const names = createNames({ region, instance });
  const stories = collection(firestore, names.collections.stories);

  const call = async (name: string, words: object): Promise<unknown> =>
    (await httpsCallable(functions, name, { timeout: ASK_TIMEOUT_MS })(words)).data;
  const ask = (name: string, { storyId, voiceId }: AudioAsk) =>
    call(name, voiceId === undefined ? { storyId } : { storyId, voiceId }).then(parseAnswer, parseRefusal);

  return {
    watchReader: (report) =>
      onIdTokenChanged(auth, (user) =>
        report(
          user === null
            ? undefined
            : { uid: user.uid, isGuest: user.isAnonymous, name: user.displayName ?? undefined },
        ),
      ),
    watchStories: (uid) => {
      const own = where(names.ownerField, '==', uid);
      const newest = query(stories, own, orderBy('createdAt', 'desc'), limit(MAX_LISTED_STORIES));
      return watchQuery(newest, readStory);
    },
    watchStory: (storyId) => watchDocument(doc(stories, storyId), readStory),
    watchAttempts: (storyId) => {
      // Sorted here: a query by `number` would leave out the attempts that lack one.
      const attempts = query(collection(stories, storyId, names.collections.attempts), limit(MAX_ATTEMPTS));
      return watchQuery(attempts, readAttempt, inOrder);
    },
    watchEngines: (uid) => {
      const menu = watchDocument(doc(firestore, names.documents.voiceMenu), readMenu);
      const own = query(collection(firestore, names.collections.voices), where('access.owner', '==', uid));
      return watchMenu(listIn(menu), watchQuery(own, readOwnVoice));
    },
    signInAsGuest: () => signingIn(signInAnonymously(auth)),
    signInWithToken: (token) => signingIn(signInWithCustomToken(auth, token)),
    signOut: () => signOut(auth),
    createStory: (draft) => {
      const story = doc(stories);
      const now = serverTimestamp();
      const fields = { ...draft, [names.ownerField]: auth.currentUser?.uid, storyType: 'user' };
      return saving(story.id, setDoc(story, { ...fields, createdAt: now, updatedAt: now }));
    },
    editStory: (storyId, words, read) => {
      const story = doc(stories, storyId);
      const edit = runTransaction(firestore, async (transaction) => {
        const saved = readStory(storyId, (await transaction.get(story)).data() ?? {});
        // The words themselves are compared, since progress of the narration changes `updatedAt` too.
        if (!isSameWords(saved, read) && !isSameWords(saved, words)) return saved;
        transaction.update(story, { ...words, updatedAt: serverTimestamp() });
        return undefined;
      });
      return saving(storyId, edit);
    },
    requestAudio: (request) => ask(names.functions.request, request),
    retryAudio: (request) => ask(names.functions.retry, request),
    renewAudio: (storyId) => call(names.functions.renew, { storyId }).then(isRenewed, () => false),
    deleteStory: (storyId) =>
      call(names.functions.deleteStory, { storyId }).then(parseDeletion, parseRefusal),
    deleteMyData: () => call(names.functions.deleteMyData, {}).then(parseDeletion, parseRefusal),
  };
};
