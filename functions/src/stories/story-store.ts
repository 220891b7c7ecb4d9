import type {
  AttemptAudio,
  AudioStatus,
  Decision,
  ErrorCode,
  KeptExtras,
  NarrationState,
  RequestDecision,
  StoryAudio,
} from '@taleback/core';
import type { Owners } from './ownership.ts';

/** Whether anything was read or written is not known; trying again is safe. */
export interface StoreAway {
  readonly kind: 'store-away';
  readonly cause: string;
}

export interface MessageTarget {
  readonly storyId: string;
  /** The job that the message names, if it names one. */
  readonly jobId: string | undefined;
  /** Called in the transaction before `decide`; may be called again. Default: every message is admitted. */
  readonly admits?: (owners: Owners) => boolean;
  /** Whether the message is never sent again if its sender fails. Default: it is sent until it is answered. */
  readonly isLastWord?: boolean;
  /** A note to write in the same transaction, kept under its id until it is settled. Default: none. */
  readonly notes?: (decision: Decision['kind'], narration: NarrationState) => { id: string } | undefined;
}

/**
 * - `decided`: the decision is written, or there was nothing to write; `narration` is the state after it, if known
 * - `not-admitted`: `admits` refused the message; nothing is written
 * - `too-large`: the story would not fit into a Firestore document, even without its metadata
 */
export type ApplyOutcome =
  | { readonly kind: 'decided'; readonly decision: Decision['kind']; readonly narration?: NarrationState }
  | { readonly kind: 'no-such-story' }
  | { readonly kind: 'not-admitted' }
  | { readonly kind: 'too-large' }
  | StoreAway;

/** A story as its writer wrote it. Fields that are not text are undefined. */
export interface StoryText {
  readonly userId: string | undefined;
  readonly title: string | undefined;
  readonly text: string | undefined;
  readonly language: string | undefined;
  readonly voiceId: string | undefined;
  readonly voiceName: string | undefined;
  readonly storyType: string | undefined;
  /** Extra fields of its last job from another server. */
  readonly extras: KeptExtras | undefined;
  readonly audio: StoryAudio;
}

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

/** What to do about a request; `newStory` has the fields of a story that does not exist yet. */
export type OpeningDecision =
  | (RequestDecision & { readonly newStory?: Readonly<Record<string, unknown>> })
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

/** A story and one of its attempts as stored. */
export interface StoredJob {
  readonly story: StoryAudio;
  /** Undefined when the attempt has no document. */
  readonly attemptStatus: AudioStatus | undefined;
  /** RunPod's id of the attempt, once it is known. */
  readonly runpodJobId: string | undefined;
  /** Why the attempt ended at its dispatch, if it did. */
  readonly refusal: { readonly code: string; readonly cause: string } | undefined;
}

/** What a sweep reads of a story. */
export interface SweptStory {
  readonly storyId: string;
  readonly userId: string | undefined;
  readonly language: string | undefined;
  readonly audio: StoryAudio;
  /** Unix milliseconds; undefined where no server wrote it. */
  readonly updatedAtMs: number | undefined;
}

/**
 * Which stories are listed, the longest waiting first.
 *
 * - `lease-expired`: under way, with a lease that ended by then
 * - `untouched`: under way, and not written since; those without a lease are among them
 * - `retry-due`: failed, to be retried by then
 */
export interface SweepQuery {
  readonly kind: 'lease-expired' | 'untouched' | 'retry-due';
  /** Unix milliseconds. */
  readonly byMs: number;
}

export interface SweepPage {
  readonly kind: 'page';
  readonly stories: readonly SweptStory[];
  /** Where the next page begins; undefined at the end. Opaque. */
  readonly next: unknown;
}

/** Where stories and their attempts are kept. Each method is one transaction or one query; callbacks may run again. */
export interface StoryStore {
  /** Reads story and attempt, calls `decide`, and writes its decision. */
  apply(
    target: MessageTarget,
    decide: (story: StoryAudio, attempt: AttemptAudio | undefined) => Decision,
  ): Promise<ApplyOutcome>;
  /**
   * Reads the story and the attempt and calls `decide`. `opened` writes both, and creates a story that does not exist;
   * any other decision writes nothing.
   */
  open(
    storyId: string,
    newJobId: string,
    decide: (story: StoryText | undefined, attempt?: KnownAttempt) => OpeningDecision,
  ): Promise<RequestDecision | Denial>;
  /** Reads the story, calls `decide`, and writes the new address. */
  readdress(
    storyId: string,
    decide: (story: StoryAddress | undefined) => Promise<AddressDecision>,
  ): Promise<AddressDecision | StoreAway>;
  readJob(
    storyId: string,
    jobId: string,
  ): Promise<
    { readonly kind: 'found'; readonly job: StoredJob } | { readonly kind: 'no-such-story' } | StoreAway
  >;
  /**
   * Writes RunPod's id to the attempt, and to the story while the attempt is its current one. The first id is kept.
   * `other`: the attempt has another id already, so RunPod runs it twice.
   */
  recordRunpodJob(
    storyId: string,
    jobId: string,
    runpodJobId: string,
  ): Promise<{ readonly kind: 'recorded' | 'other' | 'no-such-story' } | StoreAway>;
  /** Lists stories that wait for nothing. */
  listOverdue(query: SweepQuery, limit: number, from: unknown): Promise<SweepPage | StoreAway>;
  /** Whether the store answers. */
  ping(): Promise<boolean>;
}
