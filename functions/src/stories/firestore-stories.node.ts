import { textOf } from '@taleback/core';
import { FieldValue, type Firestore } from 'firebase-admin/firestore';
import {
  createFirestoreCalls,
  type FirestoreOptions,
  type StoreAway,
  withRemovals,
} from './firestore-calls.node.ts';
import { createFirestoreJobs } from './firestore-jobs.node.ts';
import { createFirestoreMessages } from './firestore-messages.node.ts';
import { type DecideOpening, type OpeningDecision, openInDocuments } from './opening.ts';

/** Where a story's audio is. */
export interface StoryAddress {
  readonly userId: string | undefined;
  readonly audioUrl: string | undefined;
  readonly storagePath: string | undefined;
}

/** What to do about the address of a story's audio. */
export type AddressDecision =
  | { readonly kind: 'renewed'; readonly audioUrl: string }
  | { readonly kind: 'unchanged' | 'no-such-story' }
  | { readonly kind: 'audio-store-away'; readonly cause: string };

/** Stories and attempts in Cloud Firestore. Each method is one transaction or one query. */
export const createFirestoreStories = (firestore: Firestore, options: FirestoreOptions) => {
  const calls = createFirestoreCalls(firestore, options);
  const { names, storyRef, attemptRef, call, transact } = calls;
  return {
    ...createFirestoreMessages(calls),
    ...createFirestoreJobs(calls),
    /**
     * Reads the story and the attempt and calls `decide`. `opened` writes both, and creates a story that does not
     * exist; any other decision writes nothing.
     */
    open: (storyId: string, newJobId: string, decide: DecideOpening): Promise<OpeningDecision> =>
      transact(async (transaction): Promise<OpeningDecision> => {
        const story = storyRef(storyId);
        const attempt = attemptRef(storyId, newJobId);
        const [storyDoc, attemptDoc] = await transaction.getAll(story, attempt);
        const documents = { story: storyDoc?.data(), attempt: attemptDoc?.data() };
        const { decision, writes } = openInDocuments(documents, decide, names);
        if (writes === undefined) return decision;
        const updatedAt = FieldValue.serverTimestamp();
        if ('create' in writes.story)
          transaction.create(story, { ...writes.story.create, createdAt: updatedAt, updatedAt });
        else transaction.update(story, { ...withRemovals(writes.story.update), updatedAt });
        transaction.set(attempt, writes.attempt);
        return decision;
      }),
    /** Reads the story, calls `decide`, and writes the new address. */
    readdress: (
      storyId: string,
      decide: (story: StoryAddress | undefined) => Promise<AddressDecision>,
    ): Promise<AddressDecision | StoreAway> =>
      transact(async (transaction) => {
        const story = storyRef(storyId);
        const fields = (await transaction.get(story)).data();
        const decision = await decide(
          fields && {
            userId: textOf(fields[names.ownerField]),
            audioUrl: textOf(fields['audioUrl']),
            storagePath: textOf(fields['audioStoragePath']),
          },
        );
        // The narration itself did not change, so `updatedAt` stays.
        if (decision.kind === 'renewed') transaction.update(story, { audioUrl: decision.audioUrl });
        return decision;
      }),
    /** Whether the store answers. */
    ping: (): Promise<boolean> =>
      call(() => storyRef('health-probe').get()).then(
        (answer) => !('kind' in answer),
        () => false,
      ),
  };
};

export type StoryStore = ReturnType<typeof createFirestoreStories>;
