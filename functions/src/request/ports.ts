import type { ErrorCode, KeptExtras, RequestDecision, StoryAudio, TtsJobEvent } from '@taleback/core';

/** A story as the person wrote it, read inside the transaction. Fields that are not text come as undefined. */
export interface StoryText {
  readonly userId: string | undefined;
  readonly title: string | undefined;
  readonly text: string | undefined;
  readonly language: string | undefined;
  readonly voiceId: string | undefined;
  readonly voiceName: string | undefined;
  readonly storyType: string | undefined;
  /** What its last job from another server was told beside the story. */
  readonly extras: KeptExtras | undefined;
  readonly audio: StoryAudio;
}

/** Why a story may not be narrated, found out inside the transaction. */
export type Denial =
  /** There is no such story, or it is somebody else's: both look the same from outside. */
  | { readonly kind: 'no-such-story' }
  /** The story cannot be narrated as it stands. */
  | { readonly kind: 'unfit'; readonly code: ErrorCode; readonly field: string; readonly sentence: string }
  /** The story could not be read or written just now. */
  | { readonly kind: 'store-away'; readonly cause: string };

/** An attempt that was opened under the same job id before. */
export interface KnownAttempt {
  /** 1-based; 0 when it is not known. */
  readonly number: number;
  /** Whether the queue refused its job, so that nobody ever worked on it. */
  readonly neverQueued: boolean;
}

/** What to do about a request; `newStory` are the words of a story that is not there yet. */
export type OpeningDecision =
  | (RequestDecision & { readonly newStory?: Readonly<Record<string, unknown>> })
  | Denial;

/** Where attempts are opened. */
export interface AttemptStore {
  /**
   * Reads the story and the attempt, asks what to do, and opens the attempt when told so, all in one transaction. A
   * story that is not there is created with its attempt. `decide` may run again; an answer other than `opened`
   * writes nothing.
   */
  open(
    storyId: string,
    newJobId: string,
    decide: (story: StoryText | undefined, attempt?: KnownAttempt) => OpeningDecision,
  ): Promise<RequestDecision | Denial>;
}

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
  /** The audio store could not say where the audio is. */
  | { readonly kind: 'audio-store-away'; readonly cause: string };

/** Where stories get other addresses of their audio. */
export interface AddressStore {
  /** Reads the story, asks, and writes the new address, all in one transaction. `decide` may run again. */
  readdress(
    storyId: string,
    decide: (story: StoryAddress | undefined) => Promise<AddressDecision>,
  ): Promise<AddressDecision | { readonly kind: 'store-away'; readonly cause: string }>;
}

/** Where jobs wait for a worker. */
export interface JobQueue {
  /** Resolves when the queue has the job durably. @throws when it does not take it. */
  publish(job: TtsJobEvent): Promise<void>;
}
