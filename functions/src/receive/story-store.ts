import type { AttemptAudio, Decision, NarrationState, StoryAudio } from '@taleback/core';
import type { Owners } from './ownership.ts';

export interface MessageTarget {
  readonly storyId: string;
  /** The job that the message names, if it names one. */
  readonly jobId: string | undefined;
  /** Asked in the transaction before anything is decided; may be asked again. Default: everything is admitted. */
  readonly admits?: (owners: Owners) => boolean;
  /** Whether nobody brings the message again when its bringer dies. Default: it comes again until it is answered. */
  readonly isLastWord?: boolean;
  /** What is to be noted, in the same transaction, of how the narration stands after it. Default: nothing. */
  readonly notes?: (decision: Decision['kind'], narration: NarrationState) => Note | undefined;
}

/** Something kept under its own id until somebody has dealt with it. */
export interface Note {
  readonly id: string;
}

/**
 * - `decided`: the decision is written, or there was nothing to write
 * - `not-admitted`: the target did not admit the message to this story; nothing is written
 * - `too-large`: the story would not fit into a Firestore document, even without its metadata
 * - `store-away`: nobody knows whether it was written; sending the message again is safe
 */
export type ApplyOutcome =
  | {
      readonly kind: 'decided';
      readonly decision: Decision['kind'];
      /** How the story's narration stands now. Default: not known. */
      readonly narration?: NarrationState;
    }
  | { readonly kind: 'no-such-story' }
  | { readonly kind: 'not-admitted' }
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
