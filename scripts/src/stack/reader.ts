import { createNames } from '@taleback/core';
import { deleteApp, initializeApp } from 'firebase/app';
import { connectAuthEmulator, getAuth, signInWithCustomToken } from 'firebase/auth';
import {
  addDoc,
  collection,
  connectFirestoreEmulator,
  doc,
  getDocs,
  getFirestore,
  onSnapshot,
  serverTimestamp,
} from 'firebase/firestore';
import {
  connectFunctionsEmulator,
  type Functions,
  type FunctionsError,
  getFunctions,
  httpsCallable,
} from 'firebase/functions';
import { hostAndPort, type StackAddresses } from './addresses.ts';

/** The first call of a function starts a process in the emulator: on a busy machine, the client's 70 s are not enough. */
const CALL_TIMEOUT_MS = 180_000;

/** Calls a function as the page does. @throws Error in a sentence: the client's errors are one word */
export const callFunction = async (
  functions: Functions,
  { name, data, timeoutMs = CALL_TIMEOUT_MS }: CallOptions,
): Promise<void> => {
  try {
    await httpsCallable(functions, name, { timeout: timeoutMs })(data);
  } catch (error) {
    const isLate = (error as FunctionsError).code === 'functions/deadline-exceeded';
    const what = isLate ? `did not answer within ${timeoutMs / 1000} s` : 'failed';
    throw new Error(`the function ${name} ${what}`, { cause: error });
  }
};

interface CallOptions {
  readonly name: string;
  readonly data: object;
  readonly timeoutMs?: number;
}

export interface StoryDraft {
  readonly title: string;
  readonly text: string;
  readonly voiceId: string;
  readonly voiceName?: string;
}

export type StoryFields = Readonly<Record<string, unknown>>;

/** A custom token as only the Auth emulator takes it: plain JSON, worth nothing anywhere else. */
const emulatorToken = (userId: string): string => JSON.stringify({ uid: userId });

/** The page's address that signs this person in, at a stack on this machine. */
export const pageUrlAs = (userId: string, addresses: StackAddresses): string =>
  `${addresses.pageUrl}/#token=${encodeURIComponent(emulatorToken(userId))}`;

/** A person who uses the stack as the page does: through the client SDK, under the security rules. */
export const signInReader = async (addresses: StackAddresses, userId: string) => {
  const { collections, functions: callables } = createNames();
  const options = { projectId: addresses.projectId, apiKey: 'emulator' };
  const app = initializeApp(options, `${userId}-${Date.now()}`);
  const auth = getAuth(app);
  connectAuthEmulator(auth, `http://${addresses.authHost}`, { disableWarnings: true });
  const firestore = getFirestore(app);
  const store = hostAndPort(addresses.firestoreHost);
  connectFirestoreEmulator(firestore, store.host, store.port);
  const functions = getFunctions(app, addresses.region);
  const calls = hostAndPort(addresses.functionsHost);
  connectFunctionsEmulator(functions, calls.host, calls.port);
  await signInWithCustomToken(auth, emulatorToken(userId));

  const stories = collection(firestore, collections.stories);
  return {
    userId,
    createStory: async (draft: StoryDraft): Promise<string> => {
      const now = serverTimestamp();
      const fields = { userId, ...draft, language: 'en', storyType: 'user', createdAt: now, updatedAt: now };
      return (await addDoc(stories, fields)).id;
    },
    request: (storyId: string) => callFunction(functions, { name: callables.request, data: { storyId } }),
    retry: (storyId: string, voiceId?: string) =>
      callFunction(functions, { name: callables.retry, data: { storyId, voiceId } }),
    /** Resolves with the story as soon as it looks right; `onChange` sees every state on the way. */
    waitFor: async (
      storyId: string,
      looksRight: (story: StoryFields) => boolean,
      { withinMs, onChange }: { readonly withinMs: number; readonly onChange?: (story: StoryFields) => void },
    ): Promise<StoryFields> => {
      const { promise, resolve, reject } = Promise.withResolvers<StoryFields>();
      let last: StoryFields = {};
      const timer = setTimeout(() => {
        reject(
          new Error(`story ${storyId} is still ${String(last['audioStatus'])} after ${withinMs / 1000} s`),
        );
      }, withinMs);
      const unsubscribe = onSnapshot(
        doc(stories, storyId),
        (snapshot) => {
          if (snapshot.metadata.fromCache) return; // a state that may be over
          last = snapshot.data() ?? {};
          onChange?.(last);
          if (looksRight(last)) resolve(last);
        },
        reject,
      );
      return promise.finally(() => {
        clearTimeout(timer);
        unsubscribe();
      });
    },
    attempts: async (storyId: string): Promise<readonly StoryFields[]> => {
      const { docs } = await getDocs(collection(stories, storyId, collections.attempts));
      return docs.map((entry) => entry.data());
    },
    close: () => deleteApp(app),
  };
};
export type Reader = Awaited<ReturnType<typeof signInReader>>;
