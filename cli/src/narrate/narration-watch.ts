import type { Relayed } from './callback-relay.ts';

/** How a narration ended, as the receiver took it. */
export type NarrationEnd =
  | { readonly kind: 'ready'; readonly payload: Readonly<Record<string, unknown>> }
  | { readonly kind: 'failed'; readonly payload: Readonly<Record<string, unknown>> };

export interface NarrationWatch {
  readonly hear: (relayed: Relayed) => void;
  readonly ended: Promise<NarrationEnd>;
  /** The end, when there was one. */
  readonly end: () => NarrationEnd | undefined;
}

export interface WatchOptions {
  readonly storyId: string;
  readonly onProgress: (stage: string, fraction: number) => void;
  /** News for people that change nothing, such as a refusal by the receiver: the worker tries again. */
  readonly onTrouble: (sentence: string) => void;
}

const isAccepted = (status: number | undefined): boolean =>
  status !== undefined && status >= 200 && status <= 299;

/** Follows one story through its callbacks, to the first end that the receiver accepted. */
export const watchNarration = ({ storyId, onProgress, onTrouble }: WatchOptions): NarrationWatch => {
  let first: NarrationEnd | undefined;
  let settle: ((told: NarrationEnd) => void) | undefined;
  const ended = new Promise<NarrationEnd>((resolve) => {
    settle = resolve;
  });
  const tell = (told: NarrationEnd): void => {
    first ??= told;
    settle?.(told);
  };
  return {
    ended,
    end: () => first,
    hear: ({ kind, body, status, words }) => {
      if (body['story_id'] !== storyId) return;
      if (kind === 'progress') {
        const { stage, progress } = body;
        onProgress(String(stage), typeof progress === 'number' ? progress : 0);
        return;
      }
      if (!isAccepted(status)) {
        const answer = status === undefined ? 'did not answer' : `answered ${status}`;
        onTrouble(`The receiver ${answer} to ${kind}: ${words}`);
        return;
      }
      if (kind === 'callback') tell({ kind: 'ready', payload: body });
      if (kind === 'error-callback') tell({ kind: 'failed', payload: body });
    },
  };
};
