import { createHash } from 'node:crypto';
import { readVoice, textOf } from '@taleback/core';
import {
  type DocumentReference,
  type DocumentSnapshot,
  FieldValue,
  type Firestore,
  Timestamp,
  type Transaction,
} from 'firebase-admin/firestore';
import {
  createFirestoreCalls,
  type FirestoreOptions,
  type StoreAway,
  withRemovals,
} from './firestore-calls.node.ts';
import { createFirestoreJobs } from './firestore-jobs.node.ts';
import { createFirestoreMessages } from './firestore-messages.node.ts';
import {
  type Account,
  type Answered,
  answerOf,
  type DecideOpening,
  isCurrent,
  type Judged,
  type Opening,
  type OpeningDecision,
  openInDocuments,
} from './opening.ts';
import { admitVoice } from './admit-voice.ts';

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

const NO_KEYS = { keys: [], nowMs: 0 };

const readAnswer = (document: DocumentSnapshot): Answered | undefined => {
  const expiresAt: unknown = document.get('expiresAt');
  const jobId = textOf(document.get('jobId'));
  if (jobId === undefined || !(expiresAt instanceof Timestamp)) return undefined;
  return { jobId, attempt: Number(document.get('attempt')) || 0, expiresAtMs: expiresAt.toMillis() };
};

/** Stories and attempts in Cloud Firestore. Each method is one transaction or one query. */
export const createFirestoreStories = (firestore: Firestore, options: FirestoreOptions) => {
  const calls = createFirestoreCalls(firestore, options);
  const { names, storyRef, attemptRef, usageRef, call, transact } = calls;
  /** A key may be longer than an id of a document, and counts for one story. */
  const answerRef = (storyId: string, key: string): DocumentReference => {
    const id = createHash('sha256')
      .update(JSON.stringify([storyId, key]))
      .digest('hex');
    return firestore.collection(names.collections.replays).doc(id);
  };
  /** Outside of the transaction, where it would lock every story of the user; no more than the limit needs. */
  const countStories = ({ userId, budget: { stories: most } }: Account) =>
    call(async () => {
      if (most === undefined) return { kind: 'counted' as const, stories: 0 };
      const own = firestore.collection(names.collections.stories).where(names.ownerField, '==', userId);
      const { count } = (
        await own
          .limit(most + 1)
          .count()
          .get()
      ).data();
      return { kind: 'counted' as const, stories: count };
    });
  /** Reads the voice, and the last attempt where that matters, and decides whether the voice may be used. */
  const admit = async (transaction: Transaction, storyId: string, judged: Judged): Promise<Judged> => {
    if (judged.writes === undefined) return judged;
    const { decision, lastJobId } = judged;
    const voices = firestore.collection(names.collections.voices);
    const [entries, last] = await Promise.all([
      transaction.get(voices.where('voiceId', '==', decision.job.input.voice_id)),
      lastJobId === undefined ? undefined : transaction.get(attemptRef(storyId, lastJobId)),
    ]);
    const registered = entries.docs.map((entry) => readVoice(entry.data()));
    return admitVoice(judged, registered, last?.data());
  };
  return {
    ...createFirestoreMessages(calls),
    ...createFirestoreJobs(calls),
    /**
     * Reads the story, the attempt and what the account has used, and calls `decide`; then the voice, so that no lock of
     * a voice is held while a story is locked. `opened` writes them, and creates a story that does not exist, unless the
     * account has no room or the voice may not be used; any other decision writes none of them. The answer is kept under
     * the keys of the request.
     */
    open: async (
      { storyId, jobId, account, request: { keys, nowMs } = NO_KEYS }: Opening,
      decide: DecideOpening,
    ): Promise<OpeningDecision> => {
      const count = account && (await countStories(account));
      if (count?.kind === 'store-away') return count;
      return transact(async (transaction): Promise<OpeningDecision> => {
        const story = storyRef(storyId);
        const attempt = attemptRef(storyId, jobId);
        const usage = account && usageRef(account.usageId);
        const answerRefs = keys.map((key) => answerRef(storyId, key));
        const read = await transaction.getAll(story, attempt, ...answerRefs, ...(usage ? [usage] : []));
        const [storyDoc, attemptDoc] = read;
        const answers = read.slice(2, 2 + keys.length).map(readAnswer);
        const first = answers.find((known) => isCurrent(known, nowMs));
        const before = first && {
          answer: first,
          attempt: (await transaction.get(attemptRef(storyId, first.jobId))).data(),
        };
        const documents = {
          story: storyDoc?.data(),
          attempt: attemptDoc?.data(),
          before,
          usage: usage && read.at(-1)?.data(),
          ...count,
        };
        const judged = openInDocuments(documents, decide, { names, account });
        const { decision, writes } = await admit(transaction, storyId, judged);
        const answer = answerOf(decision, jobId, nowMs);
        for (const [index, ref] of answerRefs.entries()) {
          const kept = answers[index];
          if (answer === undefined || (isCurrent(kept, nowMs) && kept.jobId === answer.jobId)) continue;
          const { expiresAtMs, ...answered } = answer;
          transaction.set(ref, { ...answered, expiresAt: Timestamp.fromMillis(expiresAtMs) });
        }
        if (writes === undefined) return decision;
        const updatedAt = FieldValue.serverTimestamp();
        if ('create' in writes.story)
          transaction.create(story, { ...writes.story.create, createdAt: updatedAt, updatedAt });
        else transaction.update(story, { ...withRemovals(writes.story.update), updatedAt });
        transaction.set(attempt, writes.attempt);
        if (usage !== undefined && writes.usage !== undefined) transaction.set(usage, writes.usage);
        return decision;
      }, account?.usageId);
    },
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
    /** Whether the store answers: a small document that only the server writes is read. */
    ping: (): Promise<boolean> =>
      call(() => firestore.doc(names.documents.sweepRound).get()).then(
        (answer) => !('kind' in answer),
        () => false,
      ),
  };
};

export type StoryStore = ReturnType<typeof createFirestoreStories>;
