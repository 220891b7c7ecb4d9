import {
  type ErrorCode,
  type KeptExtras,
  type Names,
  readExtras,
  readStoryAudio,
  type RequestDecision,
  type StoryAudio,
  textOf,
  type TtsJobEvent,
} from '@taleback/core';
import { contentHashesOf } from '@taleback/core/storage';
import { type DocumentData, FieldValue, type Firestore } from 'firebase-admin/firestore';
import { fitChange } from './documents.ts';
import {
  createFirestoreCalls,
  type FirestoreOptions,
  type StoreAway,
  withRemovals,
} from './firestore-calls.node.ts';
import { createFirestoreJobs } from './firestore-jobs.node.ts';
import { createFirestoreMessages } from './firestore-messages.node.ts';

/** An attempt that was opened under the same job id before. */
export interface KnownAttempt {
  /** 1-based; 0 when it is not known. */
  readonly number: number;
  /** Whether the queue refused its job, so that no worker ever had it. */
  readonly neverQueued: boolean;
}

/** Why an attempt is not opened. */
export type Denial =
  /** There is no such story, or it belongs to another user: both look the same from outside. */
  | { readonly kind: 'no-such-story' }
  /** The story cannot be narrated as it is. */
  | { readonly kind: 'unfit'; readonly code: ErrorCode; readonly field: string; readonly sentence: string }
  | StoreAway;

/** What to do about a request. `opened` comes with the job to queue, and with the fields of a story that does not exist. */
export type OpeningDecision =
  | (Extract<RequestDecision, { kind: 'opened' }> & {
      readonly job: TtsJobEvent;
      readonly newStory?: Readonly<Record<string, unknown>>;
    })
  | Exclude<RequestDecision, { kind: 'opened' }>
  | Denial;

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

/** Room that a story keeps for the end of its narration: an attempt that could not end is not opened. */
const ROOM_FOR_END = 'x'.repeat(4_096);

/** Only the server can have made a story as large as that. */
const NO_ROOM = {
  kind: 'unfit',
  code: 'text_too_long',
  field: 'text',
  sentence: 'text: leaves no room for a narration in the story, which is near its size limit',
} as const satisfies Denial;

/** A story as its writer wrote it. Fields that are not text are undefined. */
export interface StoryText
  extends Readonly<
    Record<
      'userId' | 'title' | 'text' | 'language' | 'voiceId' | 'voiceName' | 'storyType',
      string | undefined
    >
  > {
  /** Extra fields of its last job from another server. */
  readonly extras: KeptExtras | undefined;
  readonly audio: StoryAudio;
}

const readStoryText = (fields: DocumentData, { ownerField }: Names): StoryText => ({
  userId: textOf(fields[ownerField]),
  title: textOf(fields['title']),
  text: textOf(fields['text']),
  language: textOf(fields['language']),
  voiceId: textOf(fields['voiceId']),
  voiceName: textOf(fields['voiceName']),
  storyType: textOf(fields['storyType']),
  extras: readExtras(fields['audioJobExtras']),
  audio: readStoryAudio(fields),
});

const readKnownAttempt = (fields: DocumentData): KnownAttempt => ({
  number: Number(fields['number']) || 0,
  neverQueued: fields['error']?.code === 'queue_unavailable',
});

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
    open: (
      storyId: string,
      newJobId: string,
      decide: (story: StoryText | undefined, attempt?: KnownAttempt) => OpeningDecision,
    ): Promise<OpeningDecision> =>
      transact(async (transaction): Promise<OpeningDecision> => {
        const story = storyRef(storyId);
        const attempt = attemptRef(storyId, newJobId);
        const [storyDoc, attemptDoc] = await transaction.getAll(story, attempt);
        const fields = storyDoc?.data();
        const known = attemptDoc?.data();
        const decision = decide(fields && readStoryText(fields, names), known && readKnownAttempt(known));
        if (decision.kind !== 'opened') return decision;
        const updatedAt = FieldValue.serverTimestamp();
        // The hashes of what is asked for, on the story and on the attempt.
        const hashes = contentHashesOf(decision.job, decision.take);
        const asked = { audioContentHash: hashes.contentHash, audioAskedTextHash: hashes.textHash };
        const set = { ...decision.story.set, ...asked };
        const { remove } = decision.story;
        if (fields === undefined) {
          const { userId, ...words } = decision.newStory ?? {};
          const owner = userId === undefined ? {} : { [names.ownerField]: userId };
          transaction.create(story, { ...owner, ...words, ...set, createdAt: updatedAt, updatedAt });
        } else {
          const atEnd = { set: { ...set, audioErrorDetails: ROOM_FOR_END }, remove };
          if (fitChange(fields, atEnd) === undefined) return NO_ROOM;
          transaction.update(story, { ...withRemovals({ set, remove }), updatedAt });
        }
        transaction.set(attempt, { ...decision.attemptFields, ...hashes });
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
