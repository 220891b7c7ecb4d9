import {
  type AttemptAudio,
  type Change,
  type Decision,
  documentIdFault,
  type ErrorCode,
  fitDocument,
  type KeptExtras,
  type Names,
  type NarrationState,
  readAttemptAudio,
  readExtras,
  readNarration,
  readStoryAudio,
  type RequestDecision,
  type StoryAudio,
  textOf,
  type TtsJobEvent,
} from '@taleback/core';
import { type DocumentData, FieldValue, type Firestore, type Transaction } from 'firebase-admin/firestore';
import { owedFields, owedRef } from '../events/owed-events.node.ts';
import {
  createFirestoreCalls,
  type FirestoreCalls,
  type FirestoreOptions,
  type StoreAway,
  withRemovals,
} from './firestore-calls.node.ts';
import { createFirestoreJobs } from './firestore-jobs.node.ts';
import type { Owners } from './ownership.ts';

export interface MessageTarget {
  readonly storyId: string;
  /** The job that the message names, if it names one. */
  readonly jobId: string | undefined;
  /** Called in the transaction before the decision; may be called again. Default: every message is admitted. */
  readonly admits?: (owners: Owners) => boolean;
  /** Whether the message is never sent again if its sender fails. Default: it is sent until it is answered. */
  readonly isLastWord?: boolean;
  /** A note to write in the same transaction, kept under its id until it is settled. Default: none. */
  readonly notes?: (decision: Decision['kind'], narration: NarrationState) => { id: string } | undefined;
}

/** Decides in a transaction what changes; may be called again. */
export type Decide = (story: StoryAudio, attempt: AttemptAudio | undefined) => Decision;

/**
 * - `decided`: the decision is written, or there was nothing to write; `narration` is the state after it, if known
 * - `not-admitted`: `admits` refused the message; nothing is written
 * - `too-large`: the story would not fit into a Firestore document, even without its metadata
 */
export type ApplyOutcome =
  | { readonly kind: 'decided'; readonly decision: Decision['kind']; readonly narration?: NarrationState }
  | { readonly kind: 'no-such-story' | 'not-admitted' | 'too-large' }
  | StoreAway;

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

const without = (fields: DocumentData, names: readonly string[]): DocumentData =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));

/** Fits the change into the document; undefined when there is no room even without its metadata. */
const fitChange = (current: DocumentData, change: Change): Change | undefined => {
  const metadataField = change.set['audioStatus'] === 'failed' ? 'audioErrorMetadata' : 'audioMetadata';
  const rest = without(current, [...change.remove, ...Object.keys(change.set)]);
  const set = fitDocument(rest, { ...change.set }, metadataField);
  if (set === undefined) return undefined;
  const dropped = Object.keys(change.set).filter((name) => !Object.hasOwn(set, name));
  return { set, remove: [...change.remove, ...dropped] };
};

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

/** A message that does not name the attempt is judged by the current one, read only when it matters. */
const isAdmitted = async (
  { storyId, jobId, admits }: MessageTarget,
  fields: DocumentData,
  attempt: DocumentData | undefined,
  transaction: Transaction,
  { names, attemptRef }: FirestoreCalls,
): Promise<boolean> => {
  const userId = textOf(fields[names.ownerField]);
  if (admits?.({ userId, requestedBy: textOf(attempt?.['requestedBy']) }) !== false) return true;
  const current = textOf(fields['audioJobId']);
  const isAboutCurrent = jobId === undefined || jobId === fields['audioRunpodJobId'];
  if (!isAboutCurrent || current === undefined || documentIdFault(current) !== undefined) return false;
  const document = await transaction.get(attemptRef(storyId, current));
  return admits({ userId, requestedBy: textOf(document.get('requestedBy')) });
};

/** Stories and attempts in Cloud Firestore. Each method is one transaction or one query. */
export const createFirestoreStories = (firestore: Firestore, options: FirestoreOptions) => {
  const calls = createFirestoreCalls(firestore, options);
  const { names, storyRef, attemptRef, call, transact } = calls;
  return {
    ...createFirestoreJobs(calls),
    /** Reads story and attempt, calls `decide`, and writes its decision: one read call and one commit. */
    apply: (target: MessageTarget, decide: Decide): Promise<ApplyOutcome> =>
      transact(async (transaction): Promise<ApplyOutcome> => {
        const { storyId, jobId } = target;
        const story = storyRef(storyId);
        const attempts = jobId === undefined ? [] : [attemptRef(storyId, jobId)];
        const [storyDoc, attemptDoc] = await transaction.getAll(story, ...attempts);
        const fields = storyDoc?.data();
        if (fields === undefined) return { kind: 'no-such-story' };
        const known = attemptDoc?.data();
        if (!(await isAdmitted(target, fields, known, transaction, calls))) return { kind: 'not-admitted' };

        const decision = decide(readStoryAudio(fields), known && readAttemptAudio(known));
        let after = fields;
        if (decision.kind === 'applied' || decision.kind === 'adopted') {
          const fitted = fitChange(fields, decision.story);
          if (fitted === undefined) return { kind: 'too-large' };
          after = { ...without(fields, fitted.remove), ...fitted.set };
          transaction.update(story, { ...withRemovals(fitted), updatedAt: FieldValue.serverTimestamp() });
        }
        const write = 'attempt' in decision ? decision.attempt : undefined;
        // Older writers gave stories job ids that are no document ids; such a job has no history.
        if (write !== undefined && documentIdFault(write.jobId) === undefined) {
          const written = { jobId: write.jobId, ...withRemovals(write.change) };
          transaction.set(attemptRef(storyId, write.jobId), written, { merge: true });
        }
        const narration = { ...readNarration(after), userId: textOf(fields[names.ownerField]) };
        const note = target.notes?.(decision.kind, narration);
        if (note !== undefined) transaction.set(owedRef(firestore, names, note.id), owedFields(note));
        return { kind: 'decided', decision: decision.kind, narration };
      }),
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
        const { set, remove } = decision.story;
        if (fields === undefined) {
          const { userId, ...words } = decision.newStory ?? {};
          const owner = userId === undefined ? {} : { [names.ownerField]: userId };
          transaction.create(story, { ...owner, ...words, ...set, createdAt: updatedAt, updatedAt });
        } else {
          const atEnd = { set: { ...set, audioErrorDetails: ROOM_FOR_END }, remove };
          if (fitChange(fields, atEnd) === undefined) return NO_ROOM;
          transaction.update(story, { ...withRemovals(decision.story), updatedAt });
        }
        transaction.set(attempt, decision.attemptFields);
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
