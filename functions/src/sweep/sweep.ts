import {
  decideLease,
  decideNoRetry,
  isAsSeen,
  isRetryDue,
  isRetryLost,
  MAX_RETRY_WAIT_MS,
  type StoryAudio,
} from '@taleback/core';
import { type RequestOptions, retryAutomatically } from '../request/request-audio.ts';
import { isRunning } from '../runpod/report.ts';
import { applyDecision, applyMessage } from '../stories/apply-message.ts';
import type { SweepQuery, SweptStory } from '../stories/firestore-jobs.node.ts';
import type { StoreAway } from '../stories/firestore-calls.node.ts';
import type { StoryStore } from '../stories/firestore-stories.node.ts';
import { type SweepEnd, type SweepStoryOptions, sweepStory } from './sweep-story.ts';

export interface SweepOptions extends SweepStoryOptions {
  readonly stories: Pick<StoryStore, 'apply' | 'listOverdue' | 'listNextInRound'>;
  readonly requests: RequestOptions;
  /** Time for one sweep, in milliseconds; the rest waits for the next. Default 45,000. */
  readonly budgetMs?: number;
  /** Stories read at once. Default 50. */
  readonly pageSize?: number;
  /** Stories of the round that one sweep looks into. Default 200. */
  readonly roundSize?: number;
}

/** What a sweep did with a story; `leased`: it is under way and had no usable lease. */
type Swept = SweepEnd | 'retried' | 'leased';

/** How many stories came to which end. */
export type SweepReport = Readonly<Record<Swept, number>>;

/** Three quarters of the minute that a function has until the next sweep. */
const DEFAULT_BUDGET_MS = 45_000;
const DEFAULT_PAGE_SIZE = 50;
/** At most 288,000 reads a day. */
const DEFAULT_ROUND_SIZE = 200;
/** The longest `PENDING_LEASE_SECONDS`: a lease that ends later is none. */
const MAX_LEASE_MS = 86_400_000;
/** Stories in work at once; each is one request to RunPod or the store and one transaction. */
const CONCURRENCY = 10;

type Sweep = (story: SweptStory) => Promise<Swept | undefined>;

/** Gives a lease to a story under way that has none by which it would be found. */
const lease = async ({ storyId, audio, hasLease }: SweptStory, options: SweepOptions): ReturnType<Sweep> => {
  const nowMs = options.now();
  if (hasLease && (audio.leaseExpiresAtMs ?? 0) <= nowMs + MAX_LEASE_MS) return undefined;
  const context = { source: 'sweeper', nowMs, leaseMs: options.pendingLeaseMs } as const;
  const outcome = await applyDecision(
    { storyId, jobId: undefined },
    (story, attempts) => (isAsSeen(story, audio) ? decideLease(story, attempts, context) : { kind: 'stale' }),
    options,
  );
  options.log('warn', 'story under way had no lease', { storyId, outcome: outcome.kind });
  if (outcome.kind === 'store-away') return 'store-away';
  return outcome.kind === 'decided' && outcome.decision === 'applied' ? 'leased' : 'moved';
};

const isOverdue = ({ audio, hasLease }: SweptStory, nowMs: number): boolean =>
  hasLease && audio.leaseExpiresAtMs !== undefined && audio.leaseExpiresAtMs <= nowMs;

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

/** Takes its retry from a story, if that is still as it was. */
const giveUp = async (
  storyId: string,
  isStill: typeof isRetryDue,
  options: SweepOptions,
): Promise<SweepEnd> => {
  const outcome = await applyDecision(
    { storyId, jobId: undefined },
    (story) => (isStill(story, options.now()) ? decideNoRetry(story) : { kind: 'stale' }),
    options,
  );
  return outcome.kind === 'store-away' ? 'store-away' : 'moved';
};

/** Opens the next attempt of a failed story; one that can no longer be opened waits for a person. */
const retry = async ({ storyId, audio }: SweptStory, options: SweepOptions): ReturnType<Sweep> => {
  if (isRetryLost(audio, options.now())) return giveUp(storyId, isRetryLost, options);
  if (!isRetryDue(audio, options.now())) return undefined;
  if (await isRunAgain(audio, options)) return resume(storyId, audio, options);
  const answer = await retryAutomatically(storyId, options.requests);
  options.log('info', 'failed narration retried automatically', { storyId, answer: answer.kind });
  if (answer.kind === 'opened' || answer.kind === 'queue-away') return 'retried';
  if (answer.kind === 'store-away') return 'store-away';
  if (answer.kind !== 'unfit' && answer.kind !== 'no-such-story') return 'moved';
  return giveUp(storyId, isRetryDue, options);
};

interface Waiting {
  readonly story: SweptStory;
  readonly sweep: Sweep;
}

/** In turns by user: everybody's first story, then everybody's second. */
const inTurns = (swept: readonly Waiting[]): Waiting[] => {
  const turns = new Map<string | undefined, number>();
  return swept
    .map((one) => {
      const turn = turns.get(one.story.userId) ?? 0;
      turns.set(one.story.userId, turn + 1);
      return { one, turn };
    })
    .sort((first, second) => first.turn - second.turn)
    .map(({ one }) => one);
};

/**
 * Ends jobs past their lease, gives a lease to stories under way without one, and retries failures that are due. Users
 * take turns, and a story that cannot be written delays the others of its user only. It may run twice at once, and may
 * be interrupted anywhere.
 */
export const sweepStories = async (options: SweepOptions): Promise<SweepReport> => {
  const { now, log, budgetMs = DEFAULT_BUDGET_MS, pageSize = DEFAULT_PAGE_SIZE } = options;
  const { roundSize = DEFAULT_ROUND_SIZE } = options;
  const startedAtMs = now();
  const isLate = (): boolean => now() - startedAtMs >= budgetMs;
  const report = { ended: 0, renewed: 0, left: 0, moved: 0, 'store-away': 0, retried: 0, leased: 0 };

  /** Users of stories that could not be written: a user may lock own stories. Their others come last. */
  const slowUsers = new Set<string | undefined>();
  const postponed: Waiting[] = [];
  const sweepOne = async ({ story, sweep }: Waiting): Promise<void> => {
    try {
      const end = await sweep(story);
      if (end === 'store-away') slowUsers.add(story.userId);
      if (end !== undefined) report[end] += 1;
    } catch (fault) {
      // It must not delay the others.
      log('error', 'sweep of a story failed', { storyId: story.storyId, fault: String(fault) });
    }
  };
  const sweepInTurns = async (
    waiting: readonly Waiting[],
    { mayPostpone }: { readonly mayPostpone: boolean },
  ): Promise<void> => {
    let left = inTurns(waiting);
    while (left.length > 0) {
      if (mayPostpone) {
        postponed.push(...left.filter(({ story }) => slowUsers.has(story.userId)));
        left = left.filter(({ story }) => !slowUsers.has(story.userId));
      }
      await Promise.all(left.splice(0, CONCURRENCY).map(sweepOne));
      if (isLate()) return;
    }
  };
  const sweepPage = async <Page extends { readonly kind: 'page'; readonly stories: readonly SweptStory[] }>(
    page: Page | StoreAway,
    sweep: Sweep,
  ): Promise<Page | undefined> => {
    if (page.kind === 'store-away') {
      log('error', 'Firestore is away', { cause: page.cause });
      return undefined;
    }
    await sweepInTurns(
      page.stories.map((story) => ({ story, sweep })),
      { mayPostpone: true },
    );
    return page;
  };
  const sweepAll = async (query: SweepQuery, sweep: Sweep): Promise<void> => {
    let from: Parameters<StoryStore['listOverdue']>[2];
    do {
      const page = await options.stories.listOverdue(query, pageSize, from);
      from = (await sweepPage(page, sweep))?.next;
    } while (from !== undefined && !isLate());
  };

  const giveLease: Sweep = (story) => lease(story, options);
  // First, because it is bounded, and comes to every story in time, however many before it are locked.
  const round = await sweepPage(await options.stories.listNextInRound(roundSize), (story) =>
    isOverdue(story, startedAtMs) ? sweepStory(story, options) : giveLease(story),
  );
  const inRound = new Set(round?.stories.map(({ storyId }) => storyId));
  const end: Sweep = async (story) => (inRound.has(story.storyId) ? undefined : sweepStory(story, options));
  const rest: readonly [SweepQuery, Sweep][] = [
    [{ kind: 'lease-expired', byMs: startedAtMs }, end],
    [{ kind: 'retry-due', byMs: startedAtMs }, (story) => retry(story, options)],
    [{ kind: 'retry-late', byMs: startedAtMs + MAX_RETRY_WAIT_MS }, (story) => retry(story, options)],
  ];
  for (const [query, sweep] of rest) if (!isLate()) await sweepAll(query, sweep);
  await sweepInTurns(postponed, { mayPostpone: false });
  const total = Object.values(report).reduce((sum, count) => sum + count, 0);
  if (total > 0) log('info', 'sweep', report);
  return report;
};
