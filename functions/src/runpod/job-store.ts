import type { AudioStatus, StoryAudio } from '@taleback/core';

/** A story and one of its attempts, as they stand. */
export interface StandingJob {
  readonly story: StoryAudio;
  /** Undefined when the attempt has no document. */
  readonly attemptStatus: AudioStatus | undefined;
  /** RunPod's name for the attempt, once it is known. */
  readonly runpodJobId: string | undefined;
  /** Why the attempt ended at its dispatch, if it did. */
  readonly refusal: { readonly code: string; readonly cause: string } | undefined;
}

interface StoreAway {
  readonly kind: 'store-away';
  readonly cause: string;
}

/** Where it is kept which job of ours is which job of RunPod's. */
export interface JobStore {
  read(
    storyId: string,
    jobId: string,
  ): Promise<
    { readonly kind: 'found'; readonly job: StandingJob } | { readonly kind: 'no-such-story' } | StoreAway
  >;
  /**
   * Keeps RunPod's id on the attempt, and on the story while the attempt is its current one. The first id stays.
   * `other`: the attempt has another id already, so RunPod runs it twice.
   */
  remember(
    storyId: string,
    jobId: string,
    runpodJobId: string,
  ): Promise<{ readonly kind: 'remembered' | 'other' | 'no-such-story' } | StoreAway>;
}
