import {
  type Change,
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
import { type Fields, fitChange } from './documents.ts';
import type { StoreAway } from './firestore-calls.node.ts';

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

const readStoryText = (fields: Fields, { ownerField }: Names): StoryText => ({
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

const readKnownAttempt = (fields: Fields): KnownAttempt => ({
  number: Number(fields['number']) || 0,
  neverQueued: (fields['error'] as { code?: unknown } | undefined)?.code === 'queue_unavailable',
});

/** What a store writes when an attempt is opened, in one commit. */
export interface OpeningWrites {
  /** The fields of a story that does not exist yet, or a change of one that does. */
  readonly story: { readonly create: Fields } | { readonly update: Change };
  readonly attempt: Fields;
}

export type DecideOpening = (story: StoryText | undefined, attempt?: KnownAttempt) => OpeningDecision;

/** Judges a request by the story and the attempt of the new job's id, and decides what to write. */
export const openInDocuments = (
  {
    story: fields,
    attempt: known,
  }: { readonly story: Fields | undefined; readonly attempt: Fields | undefined },
  decide: DecideOpening,
  names: Names,
): { readonly decision: OpeningDecision; readonly writes?: OpeningWrites } => {
  const decision = decide(fields && readStoryText(fields, names), known && readKnownAttempt(known));
  if (decision.kind !== 'opened') return { decision };
  // The hashes of what is asked for, on the story and on the attempt.
  const hashes = contentHashesOf(decision.job, decision.take);
  const asked = { audioContentHash: hashes.contentHash, audioAskedTextHash: hashes.textHash };
  const set = { ...decision.story.set, ...asked };
  const { remove } = decision.story;
  const attempt = { ...decision.attemptFields, ...hashes };
  if (fields === undefined) {
    const { userId, ...words } = decision.newStory ?? {};
    const owner = userId === undefined ? {} : { [names.ownerField]: userId };
    return { decision, writes: { story: { create: { ...owner, ...words, ...set } }, attempt } };
  }
  const atEnd = { set: { ...set, audioErrorDetails: ROOM_FOR_END }, remove };
  if (fitChange(fields, atEnd) === undefined) return { decision: NO_ROOM };
  return { decision, writes: { story: { update: { set, remove } }, attempt } };
};
