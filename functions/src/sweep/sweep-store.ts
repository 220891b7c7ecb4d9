import type { StoryAudio } from '@taleback/core';

/** What a sweep needs to know of a story before it looks closer. */
export interface SweptStory {
  readonly storyId: string;
  readonly userId: string | undefined;
  readonly language: string | undefined;
  readonly audio: StoryAudio;
  /** Unix milliseconds; undefined where no server wrote it. */
  readonly updatedAtMs: number | undefined;
}

/**
 * Which stories are looked for, the longest waiting first.
 *
 * - `lease-expired`: under way, with a lease that ended by then
 * - `untouched`: under way, and not written since; those without a lease are among them
 * - `retry-due`: failed, to be tried again by then
 */
export interface SweepQuery {
  readonly kind: 'lease-expired' | 'untouched' | 'retry-due';
  /** Unix milliseconds. */
  readonly byMs: number;
}

export interface SweepPage {
  readonly kind: 'page';
  readonly stories: readonly SweptStory[];
  /** Where the next page begins; undefined at the end. Only the store can read it. */
  readonly next: unknown;
}

/** Finds stories that wait for nothing. */
export interface SweepStore {
  list(
    query: SweepQuery,
    limit: number,
    from: unknown,
  ): Promise<SweepPage | { readonly kind: 'store-away'; readonly cause: string }>;
}
