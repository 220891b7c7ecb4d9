import {
  DEFAULT_STORY_LIMITS,
  isUnderWay,
  readStoryAudio,
  type StoryMessage,
  type TtsJobEvent,
} from '@taleback/core';
import { applyCallback } from '@taleback/functions/src/callbacks/receive-callback.ts';
import type { NarrationEvent } from '@taleback/functions/src/events/narration-event.ts';
import type { RequestOptions } from '@taleback/functions/src/request/request-audio.ts';
import { failDeadLetter } from '@taleback/functions/src/runpod/dead-letter.ts';
import type { QueuedMessage } from '@taleback/functions/src/runpod/dispatch.ts';
import type { SweepOptions } from '@taleback/functions/src/sweep/sweep.ts';
import {
  createMemoryOwedEvents,
  createMemoryStories,
  memoryDocuments,
  type StoreStep,
  storyIn,
} from '@taleback/functions/test/memory-stories.ts';
import { randomFrom } from '../chaos/random.ts';
import { createLedger } from './ledger.ts';
import { CALM_MS, type Plan } from './plan.ts';
import type { Report } from './rules.ts';
import { type Actor, createActors, createScheduler, START_MS } from './scheduler.ts';

export const PENDING_LEASE_MS = 180_000;
export const PROCESSING_LEASE_MS = 60_000;
/** Clocks of servers differ by less than that. */
export const MAX_SKEW_MS = 20_000;
const AUTO_RETRY = { limit: 2, delaysMs: [30_000, 90_000] } as const;
const CALLBACK_URL = 'https://t.test/api/tts/callback';
/** How long a sender waits for an answer. */
const ANSWER_MS = 10_000;
const MAX_DELIVERIES = 5;
export const OWNER = 'u1';

export type Service = 'firestore' | 'pubsub' | 'runpod';
/** Takes a message of the queue; the message comes again when it fails or crashes. */
export type Consume = (actor: Actor, message: QueuedMessage) => Promise<unknown>;

/** Everything that a history happens in: the database, the queue, the network, and actors that crash. */
export const createWorld = (plan: Plan, without: ReadonlySet<string>) => {
  const scheduler = createScheduler();
  const random = randomFrom(plan.seed).fork('world');
  const hasFaults = (): boolean => plan.hasFaults && scheduler.now() < START_MS + CALM_MS;
  const maxSkewMs = plan.hasFaults ? MAX_SKEW_MS : 0;
  const actors = createActors({ scheduler, random, hasFaults, without, maxSkewMs });
  const documents = memoryDocuments();
  const published: NarrationEvent[] = [];
  const audio = new Map<
    string,
    { readonly audioUrl: string; readonly storagePath: string; readonly sinceMs: number }
  >();
  const audioSinceMs = (jobId = ''): number | undefined => audio.get(jobId)?.sinceMs;
  const ledger = createLedger({ now: scheduler.now, maxSkewMs, audioSinceMs });
  const outages = new Map<Service, number>();
  const away = new Set<string>();
  /** The job that an actor opened, or wanted to. */
  const opened = new Map<string, string>();
  let ids = 0;
  const newId = (prefix: string): string => {
    ids += 1;
    return `${prefix}${ids}`;
  };

  for (let index = 0; index < plan.stories; index += 1) {
    const story = storyIn(documents, `story-${index}`);
    story.fields = {
      userId: OWNER,
      text: 'Once upon a time there was a tide.',
      language: 'en',
      voiceId: 'slt',
    };
    if (plan.isOld) {
      const audioLeaseExpiresAt = new Date(START_MS + PROCESSING_LEASE_MS);
      Object.assign(story.fields, {
        audioStatus: 'processing',
        audioJobId: 'old-2',
        audioAttempt: 2,
        audioLeaseExpiresAt,
      });
      story.attempts.set('old-1', { jobId: 'old-1', number: 1, status: 'failed' });
      story.attempts.set('old-2', { jobId: 'old-2', number: 2, status: 'processing' });
    }
    ledger.open(`story-${index}`, story);
  }

  const isOut = (service: Service): boolean => scheduler.now() < (outages.get(service) ?? 0);
  /** A call to a service: it may not answer, before or after the work is done. */
  const callOf = async <T>(actor: Actor, service: Service, work: () => T): Promise<T> => {
    await actor.pause(1, 30);
    if (isOut(service) || actor.meets(`${service} away`, 0.02)) throw new Error(`${service} is away`);
    const done = work();
    if (actor.meets('crash', 0.01)) actor.crash();
    await actor.pause(1, 30);
    if (actor.meets(`${service} answer lost`, 0.02)) throw new Error(`${service} did not answer`);
    return done;
  };

  /** Only narrations under way are counted, so no end is missed. */
  const checkUsage = (storyId: string): void => {
    const living = [...documents.stories.values()].flatMap(({ fields = {} }) => {
      const { status, jobId } = readStoryAudio(fields);
      return isUnderWay(status) ? [jobId] : [];
    });
    for (const { underWay } of documents.usage.values())
      for (const jobId of Object.keys(underWay as object))
        if (!living.includes(jobId)) ledger.fault(storyId, `${jobId} is counted, and not under way`);
  };

  const partsOf = (actor: Actor, report?: Report | 'sweep' | 'cancel') => {
    const now = (): number => scheduler.now() + actor.skewMs;
    const step = async (at: StoreStep): Promise<'away' | 'conflict' | undefined> => {
      if (actor.meets(`crash before ${at}`, 0.008)) actor.crash();
      if (actor.meets('slow call', 0.02)) await actor.pause(1_000, 15_000);
      await actor.pause(1, 40);
      if (isOut('firestore') || actor.meets(`firestore away at ${at}`, 0.012)) {
        away.add(actor.name);
        return 'away';
      }
      return at === 'commit' && actor.meets('conflict', 0.02) ? 'conflict' : undefined;
    };
    const stories = createMemoryStories(documents, {
      now: scheduler.now,
      step,
      committed: (storyId, story, event) => {
        ledger.committed(storyId, story, event, report);
        checkUsage(storyId);
      },
    });
    const publish = (event: NarrationEvent): Promise<void> =>
      callOf(actor, 'pubsub', () => void published.push(event));
    const publishing = {
      events: { publish },
      owed: createMemoryOwedEvents(documents, { step }),
      clock: {
        setTimer: (run: () => void, delayMs: number) =>
          scheduler.after(delayMs, () => {
            if (!actor.isDead()) run();
          }),
      },
    };
    return {
      stories,
      publishing,
      now,
      log: () => undefined,
      newEventId: () => newId('event-'),
      autoRetry: plan.hasAutoRetry ? AUTO_RETRY : undefined,
      pendingLeaseMs: PENDING_LEASE_MS,
      processingLeaseMs: PROCESSING_LEASE_MS,
    };
  };

  /** Runs something as an actor of its own; undefined when it crashed or took too long. */
  const within = <T>(actor: Actor, limitMs: number, work: Promise<T>): Promise<T | undefined> =>
    new Promise((resolve) => {
      const cancel = scheduler.after(limitMs, () => resolve(undefined));
      work.then(
        (value) => {
          cancel();
          return resolve(value);
        },
        (error: unknown) => {
          cancel();
          if (error instanceof Error && / (is away|did not answer)$/.test(error.message)) resolve(undefined);
          else ledger.faults.push(`${actor.name} threw ${String(error)}`);
        },
      );
    });

  let consume: Consume | undefined;
  let deliveries = 0;
  const deliver = (message: QueuedMessage, tries: number): void => {
    const handOver = async (): Promise<void> => {
      deliveries += 1;
      const isLetter = tries > MAX_DELIVERIES || message.attributes['reason'] !== undefined;
      const actor = actors.spawn(
        `${message.attributes['jobId']}.d${tries}${isLetter ? 'L' : ''}.${deliveries}`,
      );
      const work = isLetter
        ? failDeadLetter(
            {
              ...message,
              attributes: { CloudPubSubDeadLetterSourceDeliveryCount: '5', ...message.attributes },
            },
            partsOf(actor, {
              kind: 'failed',
              storyId: message.attributes['storyId'] ?? '',
              named: message.attributes['jobId'],
            }),
          ).then(() => 'done')
        : (consume?.(actor, message) ?? Promise.resolve()).then(() => 'done');
      const end = await within(
        actor,
        60_000,
        work.catch(() => undefined),
      );
      if (end === undefined || actor.meets('acknowledgement lost', 0.03)) deliver(message, tries + 1);
    };
    scheduler.after(random.between(10, 2_000), () => void handOver());
  };
  /** Pub/Sub delivers at least once. */
  const queued = (message: QueuedMessage): void => {
    deliver(message, 1);
    if (random.chance(0.08)) deliver(message, 1);
  };

  const requestsOf = (actor: Actor): RequestOptions => ({
    ...partsOf(actor),
    queue: {
      publish: (job: TtsJobEvent) =>
        callOf(actor, 'pubsub', () => {
          const { story_id: storyId } = job.input.metadata;
          queued({ data: Buffer.from(JSON.stringify(job)), attributes: { jobId: job.id, storyId } });
        }),
    },
    limits: DEFAULT_STORY_LIMITS,
    budget: { underWay: 1 + (plan.seed % 2) },
    defaultVoice: 'slt',
    callbackUrl: CALLBACK_URL,
    newId: () => {
      const jobId = newId('job-');
      opened.set(actor.name, jobId);
      return jobId;
    },
  });

  const findAudio: NonNullable<SweepOptions['findAudio']> = async ({ jobIds }) => {
    const found = jobIds.map((id) => audio.get(id)).find((one) => one !== undefined);
    return found === undefined ? { kind: 'absent' } : { kind: 'found', ...found };
  };

  /** A callback on its way: it may be lost, or come twice, and so may its answer. */
  const send = async (
    sender: Actor,
    storyId: string,
    message: StoryMessage,
    runpod: SweepOptions['runpod'],
  ) => {
    await sender.pause(1, 3_000);
    if (sender.meets('request lost', 0.05)) return undefined;
    const receive = () => {
      const actor = actors.spawn(`${sender.name}.${newId('r')}`);
      const report = reportOf(storyId, message);
      const work = applyCallback(
        { storyId, userId: undefined, message },
        { ...partsOf(actor, report), runpod },
      );
      return within(actor, ANSWER_MS, work);
    };
    if (sender.meets('request repeated', 0.05))
      scheduler.after(sender.random.between(1, 60_000), () => void receive());
    const received = await receive();
    if (received === undefined || sender.meets('answer lost', 0.05)) return undefined;
    return received.outcome.kind === 'store-away' ? undefined : received.outcome;
  };

  return {
    plan,
    scheduler,
    actors,
    documents,
    ledger,
    published,
    audio,
    outages,
    newId,
    callOf,
    partsOf,
    requestsOf,
    findAudio,
    send,
    within,
    queued,
    opened,
    /** Whether Firestore was away for a call of this actor. */
    wasAway: ({ name }: Actor): boolean => away.has(name),
    consumeWith: (next: Consume): void => {
      consume = next;
    },
  };
};

export type World = ReturnType<typeof createWorld>;

export const reportOf = (storyId: string, message: StoryMessage): Report => {
  const { kind, jobId: named } = message;
  if (kind === 'progress') return { kind, storyId, named };
  return kind === 'ready'
    ? { kind, storyId, named, audioUrl: message.audioUrl, storagePath: message.storagePath }
    : { kind, storyId, named, words: message.error };
};
