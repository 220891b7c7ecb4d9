import { createNames } from '@taleback/core';
import { initializeApp } from 'firebase/app';
import {
  type Auth,
  browserLocalPersistence,
  connectAuthEmulator,
  indexedDBLocalPersistence,
  initializeAuth,
} from 'firebase/auth';
import {
  connectFirestoreEmulator,
  type Firestore,
  getFirestore,
  collection,
  doc,
  limit,
  orderBy,
  query,
  serverTimestamp,
  setDoc,
  updateDoc,
  where,
} from 'firebase/firestore';
import { connectFunctionsEmulator, type Functions, getFunctions, httpsCallable } from 'firebase/functions';
import type { PageConfig } from '../config/parse-config.ts';
import { inOrder, readAttempt } from '../documents/attempt.ts';
import { readMenu } from '../documents/engine.ts';
import { readStory } from '../documents/story.ts';
import { type AskAnswer, isRenewed, parseAnswer, parseRefusal } from './ask.ts';
import type { AudioAsk, Feed, Found, SaveAnswer, Watch } from './feed.ts';
import { firebaseReader, watchDocument, watchQuery } from './firebase-watch.ts';

/** The services of one Firebase project that the page speaks to. */
export interface FirebaseProject {
  readonly auth: Auth;
  readonly firestore: Firestore;
  readonly functions: Functions;
}

/**
 * Opens the project that a configuration names. Sign-in has no pop-ups, so their code stays out; Firestore keeps its
 * cache in memory and detects networks that block streams.
 */
export const openProject = (config: PageConfig): FirebaseProject => {
  const app = initializeApp(config.firebase);
  const auth = initializeAuth(app, { persistence: [indexedDBLocalPersistence, browserLocalPersistence] });
  const firestore = getFirestore(app);
  const functions = getFunctions(app, config.region);
  const { emulators } = config;
  if (emulators !== undefined) {
    connectAuthEmulator(auth, emulators.auth, { disableWarnings: true });
    connectFirestoreEmulator(firestore, emulators.firestore.host, emulators.firestore.port);
    connectFunctionsEmulator(functions, emulators.functions.host, emulators.functions.port);
  }
  return { auth, firestore, functions };
};

/** The list shows the newest stories; an older one still opens by its address. */
const MAX_LISTED_STORIES = 200;
/** A story has as many attempts as people asked for; more than this is not read as history any more. */
const MAX_ATTEMPTS = 100;
/** Opening a job is one transaction and one publish; a server that needs longer has lost us. */
const ASK_TIMEOUT_MS = 30_000;

const saving = async (write: Promise<void>, storyId: string): Promise<SaveAnswer> => {
  try {
    await write;
    return { kind: 'saved', storyId };
  } catch (fault) {
    return { kind: 'refused', words: fault instanceof Error ? fault.message : String(fault) };
  }
};

/** Watches the list in a document; where there is no document, it is empty. */
const listOf =
  <T>(watch: Watch<Found<readonly T[]>>): Watch<readonly T[]> =>
  ({ next, fail }) =>
    watch({
      next: (snapshot) =>
        next(
          snapshot.from === 'server'
            ? { from: 'server', value: snapshot.value.document ?? [] }
            : { from: 'cache', value: snapshot.value?.document },
        ),
      fail,
    });

/** The feed on Firebase: Firestore to watch and to write stories, callable functions to ask, Auth to sign in. */
export const openFirebaseFeed = (config: PageConfig): Feed => {
  const { auth, firestore, functions } = openProject(config);
  const names = createNames({ region: config.region, instance: config.instance });
  const stories = collection(firestore, names.collections.stories);

  const call = async (name: string, words: object): Promise<unknown> =>
    (await httpsCallable(functions, name, { timeout: ASK_TIMEOUT_MS })(words)).data;
  const ask = async (name: string, { storyId, voiceId }: AudioAsk): Promise<AskAnswer> => {
    try {
      return parseAnswer(await call(name, voiceId === undefined ? { storyId } : { storyId, voiceId }));
    } catch (fault) {
      return parseRefusal(fault);
    }
  };

  return {
    ...firebaseReader(auth),
    watchStories: (uid) =>
      watchQuery(
        query(
          stories,
          where(names.ownerField, '==', uid),
          orderBy('createdAt', 'desc'),
          limit(MAX_LISTED_STORIES),
        ),
        readStory,
      ),
    watchStory: (storyId) => watchDocument(doc(stories, storyId), readStory),
    watchAttempts: (storyId) => {
      // Sorted here: a query by `number` would leave out the attempts that lack one.
      const attempts = query(collection(stories, storyId, names.collections.attempts), limit(MAX_ATTEMPTS));
      return watchQuery(attempts, readAttempt, inOrder);
    },
    watchEngines: listOf(watchDocument(doc(firestore, names.documents.voiceMenu), readMenu)),
    createStory: (draft) => {
      const story = doc(stories);
      const now = serverTimestamp();
      const fields = { ...draft, [names.ownerField]: auth.currentUser?.uid, storyType: 'user' };
      return saving(setDoc(story, { ...fields, createdAt: now, updatedAt: now }), story.id);
    },
    editStory: (storyId, { title, text }) =>
      saving(updateDoc(doc(stories, storyId), { title, text, updatedAt: serverTimestamp() }), storyId),
    requestAudio: (request) => ask(names.functions.request, request),
    retryAudio: (request) => ask(names.functions.retry, request),
    renewAudio: (storyId) => call(names.functions.renew, { storyId }).then(isRenewed, () => false),
  };
};
