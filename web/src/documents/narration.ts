import type { Failure, Story } from './story.ts';

/** A narration that can be played here. */
export interface Playable {
  readonly url: string;
  readonly durationMs: number | undefined;
}

/** The narration that stays playable while a newer one is made or has failed. */
interface WithPrevious {
  readonly previous: Playable | undefined;
}

/** Where a story's narration stands, as a person sees it. */
export type Narration =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'pending'; readonly isLeased: boolean } & WithPrevious)
  | ({
      readonly kind: 'processing';
      readonly isLeased: boolean;
      /** 0..1 */
      readonly progress: number | undefined;
    } & WithPrevious)
  /** A job whose lease has passed without a word. */
  | ({ readonly kind: 'silent'; readonly sinceMs: number } & WithPrevious)
  | { readonly kind: 'ready'; readonly audio: Playable | undefined; readonly isKept: boolean }
  | ({ readonly kind: 'failed'; readonly failure: Failure } & WithPrevious);

export type NarrationKind = Narration['kind'];

const UNEXPLAINED: Failure = { code: 'unknown', words: undefined, details: undefined };

/** Unix milliseconds at which a job that is under way must have reported, undefined when no report is due. */
export const leaseEndMs = ({ audio }: Story): number | undefined =>
  audio.status === 'pending' || audio.status === 'processing' ? audio.leaseExpiresAtMs : undefined;

/** Reads where a story's narration stands at a moment. */
export const readNarration = (story: Story, nowMs: number): Narration => {
  const { audioUrl: url, audioDurationMs: durationMs } = story;
  const playable = url === undefined ? undefined : { url, durationMs };
  const { status, progress } = story.audio;
  switch (status) {
    case undefined:
      return { kind: 'none' };
    case 'ready':
      return { kind: 'ready', audio: playable, isKept: story.isAudioKept };
    case 'failed':
      return { kind: 'failed', failure: story.failure ?? UNEXPLAINED, previous: playable };
    case 'pending':
    case 'processing': {
      const endMs = leaseEndMs(story);
      if (endMs !== undefined && endMs <= nowMs)
        return { kind: 'silent', sinceMs: endMs, previous: playable };
      const underWay = { isLeased: endMs !== undefined, previous: playable };
      if (status === 'pending') return { kind: status, ...underWay };
      const share = progress === undefined ? undefined : Math.min(1, Math.max(0, progress));
      return { kind: status, progress: share, ...underWay };
    }
    default:
      return status satisfies never;
  }
};
