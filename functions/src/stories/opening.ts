import { createHash } from 'node:crypto';
import {
  type Budget,
  type BudgetDecision,
  type Change,
  type CountedUsage,
  decideBudget,
  documentIdFault,
  type ErrorCode,
  type KeptExtras,
  type Names,
  present,
  readExtras,
  readStoryAudio,
  readUsage,
  type RequestDecision,
  type StoryAudio,
  textOf,
  type TtsJobEvent,
} from '@taleback/core';
import { SIGNATURE_TOLERANCE_SECONDS } from '@taleback/core/signatures';
import { contentHashesOf } from '@taleback/core/storage';
import { attemptIdOf, type Fields, fitChange } from './documents.ts';
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
  /** The user's budget has no room before `retryAtMs`; undefined when no time helps. */
  | {
      readonly kind: 'over-budget';
      readonly code: ErrorCode;
      readonly sentence: string;
      readonly retryAtMs: number | undefined;
    }
  | StoreAway;

/** The budget that an attempt counts for. */
export interface Account {
  readonly userId: string;
  /** Id of its document in `ttsUsage`. */
  readonly usageId: string;
  readonly budget: Budget;
  /** Unix milliseconds. */
  readonly nowMs: number;
  readonly leaseMs: number;
}

/** An attempt to open, if its voice may be used. */
type Opened = Extract<RequestDecision, { kind: 'opened' }> & {
  /** To be queued. */
  readonly job: TtsJobEvent;
  readonly voice: {
    /** `as-before`: the story's voice, which the server that opened the last attempt may have chosen. */
    readonly chosenBy: 'person' | 'server' | 'as-before';
    readonly isListed: boolean;
  };
  /** The fields of a story that does not exist. */
  readonly newStory?: Readonly<Record<string, unknown>>;
};

/** What to do about a request. */
export type OpeningDecision = Opened | Exclude<RequestDecision, { kind: 'opened' }> | Denial;

/** Room that a story keeps for the end of its narration: an attempt that could not end is not opened. */
const ROOM_FOR_END = 'x'.repeat(4_096);

/** Only the server can have made a story as large as that. */
const NO_ROOM = {
  kind: 'unfit',
  code: 'text_too_long',
  field: 'text',
  sentence: 'text: leaves no room for a narration in the story, which is near its size limit',
} as const satisfies Denial;

const TOO_LONG_FOR_A_DAY = {
  kind: 'unfit',
  code: 'text_too_long',
  field: 'text',
  sentence: 'text: has more characters than this user may have narrated in a day',
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
  /** What the user has used; undefined when nothing is counted. */
  readonly usage: CountedUsage | undefined;
}

/**
 * The id of a user's document in `ttsUsage`. Not every user id can be the id of a document.
 *
 * @param by `generate` has budgets of its own
 */
export const usageIdOf = (userId: string, by: 'person' | 'generate'): string => {
  const id = by === 'person' ? userId : `generate:${userId}`;
  return documentIdFault(id) === undefined ? id : createHash('sha256').update(id).digest('hex');
};

/** The attempt that is to be opened. */
export interface Opening {
  readonly storyId: string;
  readonly jobId: string;
  /** Default: it counts for no budget. */
  readonly account?: Account | undefined;
  /** Default: nothing identifies the request. */
  readonly request?: RequestKeys;
}

/** What identifies a request: one that comes again under any of the keys is answered like the first. */
export interface RequestKeys {
  readonly keys: readonly string[];
  readonly nowMs: number;
}

/** What a request was answered with. */
export interface Answered {
  readonly jobId: string;
  readonly attempt: number;
  readonly expiresAtMs: number;
}

/** A signature may be dated five minutes ahead of our clock, and is valid for five minutes after its date. */
const ANSWER_KEPT_MS = 2 * SIGNATURE_TOLERANCE_SECONDS * 1000;

export const isCurrent = (answer: Answered | undefined, nowMs: number): answer is Answered =>
  answer !== undefined && answer.expiresAtMs > nowMs;

/** What is kept under the keys of a request; undefined when it was refused. */
export const answerOf = (
  decision: OpeningDecision,
  newJobId: string,
  nowMs: number,
): Answered | undefined => {
  if (!('attempt' in decision)) return undefined;
  const jobId = decision.kind === 'opened' ? newJobId : decision.jobId;
  const expiresAtMs = nowMs + ANSWER_KEPT_MS;
  return jobId === undefined ? undefined : { jobId, attempt: decision.attempt, expiresAtMs };
};

/** What an opening reads. */
export interface OpeningDocuments {
  readonly story: Fields | undefined;
  readonly attempt: Fields | undefined;
  /** What the request was answered with when it came before, and the attempt of that job. */
  readonly before?: { readonly answer: Answered; readonly attempt: Fields | undefined } | undefined;
  readonly usage?: Fields | undefined;
  /** How many stories the user has; needed with an account. */
  readonly stories?: number;
}

/** What an opening decides: nothing is written unless it is opened. */
export type Judged =
  | {
      readonly decision: Opened;
      readonly writes: OpeningWrites;
      /** The story's last attempt, if it matters for the voice. */
      readonly lastJobId: string | undefined;
      /** Whether the story keeps a voice that it was narrated in, or failed in. */
      readonly hasEnded: boolean;
    }
  | { readonly decision: Exclude<OpeningDecision, Opened>; readonly writes?: never };

export type DecideOpening = (story: StoryText | undefined, attempt?: KnownAttempt) => OpeningDecision;

const OVER_BUDGET = {
  underWay: ['budget_spent', 'too many narrations of this user are under way'],
  narrations: ['budget_spent', "this user's narrations of the day are used up"],
  characters: ['budget_spent', "this user's characters of the day are used up"],
  stories: ['too_many_stories', 'this user has too many stories'],
} as const satisfies Record<keyof Budget, readonly [ErrorCode, string]>;

const overBudget = ({ limit, retryAtMs }: Extract<BudgetDecision, { kind: 'refused' }>): Denial => {
  if (limit === 'characters' && retryAtMs === undefined) return TOO_LONG_FOR_A_DAY;
  const [code, words] = OVER_BUDGET[limit];
  const until =
    retryAtMs === undefined ? '' : `; the next narration is possible at ${new Date(retryAtMs).toISOString()}`;
  return { kind: 'over-budget', code, sentence: words + until, retryAtMs };
};

/**
 * Judges a request by the documents that it is about, and decides what to write. A repetition is answered like the first
 * request, whatever became of the story, unless no worker ever had the job.
 */
export const openInDocuments = (
  { story: fields, attempt: known, before, usage: used = {}, stories = 0 }: OpeningDocuments,
  decide: DecideOpening,
  { names, account }: { readonly names: Names; readonly account: Account | undefined },
): Judged => {
  if (before !== undefined && !readKnownAttempt(before.attempt ?? {}).neverQueued) {
    const { jobId, attempt } = before.answer;
    return { decision: { kind: 'under-way', jobId, attempt } };
  }
  const story = fields && readStoryText(fields, names);
  const decision = decide(story, known && readKnownAttempt(known));
  if (decision.kind !== 'opened') return { decision };
  const counted =
    account &&
    decideBudget(
      readUsage(used),
      {
        ...account,
        jobId: decision.job.id,
        replacedJobId: story?.audio.jobId,
        characters: decision.job.input.text.length,
        stories: stories + Number(story === undefined),
      },
      account.budget,
    );
  if (counted?.kind === 'refused') return { decision: overBudget(counted) };
  const usage = counted?.usage;
  // The hashes of what is asked for, on the story and on the attempt.
  const hashes = contentHashesOf(decision.job, decision.take);
  const asked = { audioContentHash: hashes.contentHash, audioAskedTextHash: hashes.textHash };
  const set = { ...decision.story.set, ...asked, ...present({ audioUsageId: account?.usageId }) };
  const remove = account ? decision.story.remove : [...decision.story.remove, 'audioUsageId'];
  const attempt = { ...decision.attemptFields, ...hashes };
  if (fields === undefined) {
    const { userId, ...words } = decision.newStory ?? {};
    const owner = userId === undefined ? {} : { [names.ownerField]: userId };
    const create = { ...owner, ...words, ...set };
    return { decision, writes: { story: { create }, attempt, usage }, lastJobId: undefined, hasEnded: false };
  }
  const atEnd = { set: { ...set, audioErrorDetails: ROOM_FOR_END }, remove };
  if (fitChange(fields, atEnd) === undefined) return { decision: NO_ROOM };
  const isAsBefore = decision.voice.chosenBy === 'as-before';
  const lastJobId = isAsBefore ? attemptIdOf(fields['audioJobId']) : undefined;
  const hasEnded = isAsBefore && story?.audio.status !== undefined;
  return { decision, writes: { story: { update: { set, remove } }, attempt, usage }, lastJobId, hasEnded };
};
