import type { AttemptAudio, Decision, StoryAudio } from '@taleback/core';

export interface MessageTarget {
  readonly storyId: string;
  /** The job that the message names, if it names one. */
  readonly jobId: string | undefined;
}

/**
 * - `decided`: the decision is written, or there was nothing to write
 * - `too-large`: the story would not fit into a Firestore document, even without its metadata
 * - `store-away`: nobody knows whether it was written; sending the message again is safe
 */
export type ApplyOutcome =
  | { readonly kind: 'decided'; readonly decision: Decision['kind'] }
  | { readonly kind: 'no-such-story' }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'store-away'; readonly cause: string };

/** Where stories and their attempts are kept. */
export interface StoryStore {
  /** Reads story and attempt, asks what to do, and writes it, all in one transaction. `decide` may run again. */
  apply(
    target: MessageTarget,
    decide: (story: StoryAudio, attempt: AttemptAudio | undefined) => Decision,
  ): Promise<ApplyOutcome>;
  /** Whether the store answers. */
  ping(): Promise<boolean>;
}
