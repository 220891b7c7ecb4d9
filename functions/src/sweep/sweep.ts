import { decideNoRetry, isOverdue, isRetryDue, type StoryAudio } from '@taleback/core';
import { type RequestOptions, retryAutomatically } from '../request/request-audio.ts';
import { isRunning } from '../runpod/report.ts';
import { applyDecision, applyMessage } from '../stories/apply-message.ts';
import type { SweepQuery, SweptStory } from '../stories/firestore-jobs.node.ts';
import type { StoryStore } from '../stories/firestore-stories.node.ts';
import { type SweepEnd, type SweepStoryOptions, sweepStory } from './sweep-story.ts';

export interface SweepOptions extends SweepStoryOptions {
  readonly stories: Pick<StoryStore, 'apply' | 'listOverdue'>;
  readonly requests: RequestOptions;
  /** Time for one sweep, in milliseconds; the rest waits for the next. Default 45,000. */
  readonly budgetMs?: number;
  /** Stories read at once. Default 50. */
  readonly pageSize?: number;
}

/** How many stories came to which end. */
export type SweepReport = Readonly<Record<SweepEnd | 'retried', number>>;

/** Three quarters of the minute that a function has until the next sweep. */
const DEFAULT_BUDGET_MS = 45_000;
const DEFAULT_PAGE_SIZE = 50;
/** Stories in work at once; each is one request to RunPod or the store and one transaction. */
const CONCURRENCY = 10;

type Sweep = (story: SweptStory) => Promise<SweepEnd | 'retried' | undefined>;

/** Whether RunPod runs the failed job again, after a `/retry` of its own: another attempt would run beside it. */
const isRunAgain = async ({ runpodJobId }: StoryAudio, { runpod }: SweepOptions): Promise<boolean> =>
  runpodJobId !== undefined && runpod !== undefined && isRunning(runpodJobId, runpod);

/** Lets the run of a job that RunPod retried count. */
const resume = async (storyId: string, audio: StoryAudio, options: SweepOptions): Promise<SweepEnd> => {
  const jobId = audio.jobId ?? '';
  const message = { kind: 'progress', jobId, stage: 'retried', progress: undefined } as const;
  const { processingLeaseMs: leaseMs } = options;
  const outcome = await applyMessage(
    { storyId, jobId, message, source: 'sweeper', isRunning: true, leaseMs },
    options,
  );
  return outcome.kind === 'store-away' ? 'store-away' : 'renewed';
};

/** Opens the next attempt of a failed story; one that can no longer be opened waits for a person. */
const retry = async ({ storyId, audio }: SweptStory, options: SweepOptions): ReturnType<Sweep> => {
  if (!isRetryDue(audio, options.now())) return undefined;
  if (await isRunAgain(audio, options)) return resume(storyId, audio, options);
  const answer = await retryAutomatically(storyId, options.requests);
  options.log('info', 'failed narration retried automatically', { storyId, answer: answer.kind });
  if (answer.kind === 'opened' || answer.kind === 'queue-away') return 'retried';
  if (answer.kind === 'store-away') return 'store-away';
  if (answer.kind !== 'unfit' && answer.kind !== 'no-such-story') return 'moved';
  const outcome = await applyDecision(
    { storyId, jobId: undefined },
    (story) => (isRetryDue(story, options.now()) ? decideNoRetry(story) : { kind: 'stale' }),
    options,
  );
  return outcome.kind === 'store-away' ? 'store-away' : 'moved';
};

/** Sweeps some at once. A fault of one story must not delay the others. */
const inGroups = async (stories: readonly SweptStory[], sweep: Sweep, log: SweepOptions['log']) => {
  const guarded: Sweep = (story) =>
    sweep(story).catch((fault: unknown) => {
      log('error', 'sweep of a story failed', { storyId: story.storyId, fault: String(fault) });
      return undefined;
    });
  const ends: Awaited<ReturnType<Sweep>>[] = [];
  for (let start = 0; start < stories.length; start += CONCURRENCY)
    ends.push(...(await Promise.all(stories.slice(start, start + CONCURRENCY).map(guarded))));
  return ends.filter((end) => end !== undefined);
};

/**
 * Ends jobs past their lease and jobs that never had one, and retries failures that are due. It may run twice at once,
 * and may be interrupted anywhere.
 */
export const sweepStories = async (options: SweepOptions): Promise<SweepReport> => {
  const { now, log, budgetMs = DEFAULT_BUDGET_MS, pageSize = DEFAULT_PAGE_SIZE } = options;
  const startedAtMs = now();
  const isLate = (): boolean => now() - startedAtMs >= budgetMs;
  const seen = new Set<string>();
  const report = { ended: 0, renewed: 0, left: 0, moved: 0, 'store-away': 0, retried: 0 };

  const sweepAll = async (query: SweepQuery, sweep: Sweep): Promise<void> => {
    let from: Parameters<StoryStore['listOverdue']>[2];
    do {
      const page = await options.stories.listOverdue(query, pageSize, from);
      if (page.kind === 'store-away') {
        log('error', 'Firestore is away', { cause: page.cause });
        return;
      }
      for (const end of await inGroups(page.stories, sweep, log)) report[end] += 1;
      from = page.next;
    } while (from !== undefined && !isLate());
  };
  const lookInto: Sweep = async (story) => {
    if (seen.has(story.storyId) || !isOverdue(story.audio, now())) return undefined;
    seen.add(story.storyId);
    return sweepStory(story, options);
  };

  await sweepAll({ kind: 'lease-expired', byMs: startedAtMs }, lookInto);
  if (!isLate()) await sweepAll({ kind: 'untouched', byMs: startedAtMs - options.pendingLeaseMs }, lookInto);
  if (!isLate()) await sweepAll({ kind: 'retry-due', byMs: startedAtMs }, (story) => retry(story, options));
  const total = Object.values(report).reduce((sum, count) => sum + count, 0);
  if (total > 0) log('info', 'sweep', report);
  return report;
};
