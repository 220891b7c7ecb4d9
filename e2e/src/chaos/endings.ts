import type { StoryStore } from '@taleback/functions/src/stories/firestore-stories.node.ts';

/** How often each job was written down as ready and as failed. */
export interface Endings {
  readonly ready: number;
  readonly failed: number;
  /** It was failed after it had been ready. */
  readonly isUndone: boolean;
}

export interface WatchedStories<T extends StoryStore> {
  readonly stories: T;
  readonly endings: () => ReadonlyMap<string, Endings>;
}

const NONE: Endings = { ready: 0, failed: 0, isUndone: false };

/**
 * Stories that keep count of every end that was written, whatever its source. What the store did without being able to
 * say so is not counted; the attempt's own document tells it.
 */
export const watchEndings = <T extends StoryStore>(stories: T): WatchedStories<T> => {
  const endings = new Map<string, Endings>();
  const count = (jobId: string, status: 'ready' | 'failed'): void => {
    const { ready, failed, isUndone } = endings.get(jobId) ?? NONE;
    endings.set(
      jobId,
      status === 'ready'
        ? { ready: ready + 1, failed, isUndone }
        : { ready, failed: failed + 1, isUndone: isUndone || ready > 0 },
    );
  };
  return {
    stories: {
      ...stories,
      apply: async (target, decide) => {
        let written: { readonly jobId: string; readonly status: unknown } | undefined;
        const outcome = await stories.apply(target, (story, attempt) => {
          const decision = decide(story, attempt);
          const attemptWrite = 'attempt' in decision ? decision.attempt : undefined;
          written = attemptWrite && { jobId: attemptWrite.jobId, status: attemptWrite.change.set['status'] };
          return decision;
        });
        if (outcome.kind !== 'decided' || written === undefined) return outcome;
        const { jobId, status } = written;
        if (status === 'ready' || status === 'failed') count(jobId, status);
        return outcome;
      },
    },
    endings: () => endings,
  };
};
