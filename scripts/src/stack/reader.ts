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
import { connectFunctionsEmulator, getFunctions, httpsCallable } from 'firebase/functions';
import type { StackAddresses } from './addresses.ts';

export interface StoryDraft {
  readonly title: string;
  readonly text: string;
  readonly voiceId: string;
  readonly voiceName?: string;
}

export type StoryFields = Readonly<Record<string, unknown>>;

/** A person who uses the stack as the page does: through the client SDK, under the security rules. */
export interface Reader {
  readonly userId: string;
  readonly createStory: (draft: StoryDraft) => Promise<string>;
  readonly request: (storyId: string) => Promise<void>;
  readonly retry: (storyId: string, voiceId?: string) => Promise<void>;
  /** Resolves with the story as soon as it looks right; `onChange` sees every state on the way. */
  readonly waitFor: (
    storyId: string,
    looksRight: (story: StoryFields) => boolean,
    options: { readonly withinMs: number; readonly onChange?: (story: StoryFields) => void },
  ) => Promise<StoryFields>;
  readonly attempts: (storyId: string) => Promise<readonly StoryFields[]>;
  readonly close: () => Promise<void>;
}

/** A custom token as only the Auth emulator takes it: plain JSON, worth nothing anywhere else. */
export const emulatorToken = (userId: string): string => JSON.stringify({ uid: userId });

/** The page's address that signs this person in, at a stack on this machine. */
export const pageUrlAs = (userId: string, addresses: StackAddresses): string =>
  `${addresses.pageUrl}/#token=${encodeURIComponent(emulatorToken(userId))}`;

const hostAndPort = (address: string): [string, number] => {
  const url = new URL(`http://${address}`);
  return [url.hostname, Number(url.port)];
};

const names = createNames();

/** Signs a reader in at a running stack. */
export const signInReader = async (addresses: StackAddresses, userId: string): Promise<Reader> => {
  const app = initializeApp(
    { projectId: addresses.projectId, apiKey: 'emulator' },
    `${userId}-${Date.now()}`,
  );
  const auth = getAuth(app);
  connectAuthEmulator(auth, `http://${addresses.authHost}`, { disableWarnings: true });
  const firestore = getFirestore(app);
  connectFirestoreEmulator(firestore, ...hostAndPort(addresses.firestoreHost));
  const functions = getFunctions(app, addresses.region);
  connectFunctionsEmulator(functions, ...hostAndPort(addresses.functionsHost));
  await signInWithCustomToken(auth, emulatorToken(userId));

  const call = async (name: string, data: unknown): Promise<void> => {
    await httpsCallable(functions, name)(data);
  };
  return {
    userId,
    createStory: async (draft) => {
      const story = await addDoc(collection(firestore, names.collections.stories), {
        userId,
        ...draft,
        language: 'en',
        storyType: 'user',
        createdAt: serverTimestamp(),
        updatedAt: serverTimestamp(),
      });
      return story.id;
    },
    request: (storyId) => call(names.functions.request, { storyId }),
    retry: (storyId, voiceId) => call(names.functions.retry, { storyId, voiceId }),
    waitFor: (storyId, looksRight, { withinMs, onChange }) =>
      new Promise((resolve, reject) => {
        let last: StoryFields = {};
        const timer = setTimeout(() => {
          unsubscribe();
          reject(new Error(`story ${storyId} is still ${String(last['audioStatus'])} after ${withinMs} ms`));
        }, withinMs);
        const unsubscribe = onSnapshot(
          doc(firestore, names.collections.stories, storyId),
          (snapshot) => {
            if (snapshot.metadata.fromCache) return; // a state that may be over
            last = snapshot.data() ?? {};
            onChange?.(last);
            if (!looksRight(last)) return;
            clearTimeout(timer);
            unsubscribe();
            resolve(last);
          },
          (error) => {
            clearTimeout(timer);
            reject(error);
          },
        );
      }),
    attempts: async (storyId) =>
      (
        await getDocs(collection(firestore, names.collections.stories, storyId, names.collections.attempts))
      ).docs.map((entry) => entry.data()),
    close: () => deleteApp(app),
  };
};
