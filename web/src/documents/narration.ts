import type { Failure, Story } from './story.ts';

/** A narration that can be played here. */
export interface Playable {
  readonly url: string;
  readonly durationMs: number | undefined;
}

/**
 * Where a story's narration stands, as a person sees it. `silent` is a job whose lease has passed without a word;
 * `previous` is the narration that stays playable while a newer one is made or has failed.
 */
export type Narration =
  | { readonly kind: 'none' }
  | { readonly kind: 'pending'; readonly isLeased: boolean; readonly previous: Playable | undefined }
  | {
      readonly kind: 'processing';
      /** 0..1 */
      readonly progress: number | undefined;
      readonly isLeased: boolean;
      readonly previous: Playable | undefined;
    }
  | { readonly kind: 'silent'; readonly sinceMs: number; readonly previous: Playable | undefined }
  | { readonly kind: 'ready'; readonly audio: Playable | undefined; readonly isKept: boolean }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly previous: Playable | undefined };

export type NarrationKind = Narration['kind'];

const UNEXPLAINED: Failure = { code: 'unknown', words: undefined, details: undefined };

const clampShare = (share: number | undefined): number | undefined =>
  share === undefined ? undefined : Math.min(1, Math.max(0, share));

/** Unix milliseconds at which a job that is under way must have reported, undefined when no report is due. */
export const leaseEndMs = (story: Story): number | undefined =>
  story.audio.status === 'pending' || story.audio.status === 'processing'
    ? story.audio.leaseExpiresAtMs
    : undefined;

/** Reads where a story's narration stands at a moment. */
export const readNarration = (story: Story, nowMs: number): Narration => {
  const playable: Playable | undefined =
    story.audioUrl === undefined ? undefined : { url: story.audioUrl, durationMs: story.audioDurationMs };
  const { status } = story.audio;
  switch (status) {
    case undefined:
      return { kind: 'none' };
    case 'ready':
      return { kind: 'ready', audio: playable, isKept: story.isAudioKept };
    case 'failed':
      return { kind: 'failed', failure: story.failure ?? UNEXPLAINED, previous: playable };
    case 'pending':
    case 'processing': {
      const leaseEnd = story.audio.leaseExpiresAtMs;
      if (leaseEnd !== undefined && leaseEnd <= nowMs) {
        return { kind: 'silent', sinceMs: leaseEnd, previous: playable };
      }
      const waiting = { isLeased: leaseEnd !== undefined, previous: playable };
      return status === 'pending'
        ? { kind: 'pending', ...waiting }
        : { kind: 'processing', progress: clampShare(story.audio.progress), ...waiting };
    }
    default:
      return status satisfies never;
  }
};
