import type { HandlerResult } from '@taleback/handler';
import type { Clock } from '@taleback/resilience';
import { RecentSamples } from '@taleback/speech/operations';

/** Stories are few: an hour has as many as five minutes have pieces. */
const RECENT = { capacity: 1_024, windowMs: 3_600_000 };

/**
 * How stories ended. The success rate of pieces is another figure: a story that the second engine speaks is ready, although
 * each of its pieces failed at the first.
 *
 * @see docs/origins.md#metrics
 */
export const createStoryFigures = (clock: Clock) => {
  const recent = new RecentSamples(RECENT);
  const ended = { ready: 0, failed: 0 };
  return {
    /** A story that has moved on, and is cancelled, counts as neither. */
    count: (result: HandlerResult): void => {
      if (result.status === 'error' && result.error_type === 'job_cancelled') return;
      const isReady = result.status === 'success';
      ended[isReady ? 'ready' : 'failed'] += 1;
      recent.add({ atMs: clock.now(), value: Number(isReady) });
    },
    /** `successRate`: ready of the last 1,024 stories within the last hour, 0..1; null before any ended. */
    figures: () => {
      const samples = recent.at(clock.now());
      const ready = samples.filter(({ value }) => value === 1).length;
      return { ...ended, successRate: samples.length === 0 ? null : ready / samples.length };
    },
  };
};

export type StoryFigures = ReturnType<ReturnType<typeof createStoryFigures>['figures']>;
