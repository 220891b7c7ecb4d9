import { randomBytes } from 'node:crypto';
import { createNames } from '@taleback/core';
import { randomFrom } from '../chaos/random.ts';
import { judgeStories } from './judge.ts';
import { type LoadPlan, type LoadSecrets, type LoadShares, type PlannedCallback, planLoad } from './plan.ts';
import { type LoadedReceiver, openLoadedReceiver } from './receiver.ts';

export interface LoadOptions extends LoadShares {
  readonly concurrency: number;
  /** What is drawn from: a whole number from 0 to 2^32 - 1. */
  readonly seed: number;
}

export type LoadReport = Awaited<ReturnType<typeof runLoad>>;

const EVENTS_TIMEOUT_MS = 60_000;
const POLL_MS = 50;

const plant = async (plan: LoadPlan, { firestore }: LoadedReceiver): Promise<void> => {
  const writer = firestore.bulkWriter();
  const story = (id: string, audioJobId: string): void => {
    const fields = { userId: 'reader', title: id, text: 'Once upon a time.', audioStatus: 'processing' };
    void writer.set(firestore.collection(createNames().collections.stories).doc(id), {
      ...fields,
      audioJobId,
      audioAttempt: 1,
    });
  };
  for (const { storyId, jobId } of plan.endings) story(storyId, jobId);
  for (const storyId of plan.victims) story(storyId, `job-of-${storyId}`);
  await writer.close();
};

/** Sends all callbacks, so many at once; each is sent as soon as one before it is answered. */
const sendAll = async (callbacks: readonly PlannedCallback[], concurrency: number, url: string) => {
  const answers = new Map<string, number>();
  const latenciesMs: number[] = [];
  const waiting = callbacks.values();
  const send = async (): Promise<void> => {
    for (const { kind, route, body, headers } of waiting) {
      const startedAt = performance.now();
      const answer = await fetch(`${url}/api/tts/${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers() },
        body: new Uint8Array(body),
      });
      await answer.arrayBuffer();
      latenciesMs.push(performance.now() - startedAt);
      const end = `${kind} ${answer.status}`;
      answers.set(end, (answers.get(end) ?? 0) + 1);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrency }, send));
  return { answers, latenciesMs, tookMs: performance.now() - startedAt };
};

const until = async (isTrue: () => boolean, timeoutMs: number): Promise<void> => {
  const givenUpAt = Date.now() + timeoutMs;
  while (!isTrue() && Date.now() < givenUpAt) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
};

const numberOf = (callbacks: readonly PlannedCallback[], kind: PlannedCallback['kind']): number =>
  callbacks.filter((callback) => callback.kind === kind).length;

const judgeCounts = (
  { endings, callbacks }: LoadPlan,
  answers: ReadonlyMap<string, number>,
  { decisions, events, faults }: LoadedReceiver,
): string[] => {
  const wanted: readonly [string, number, number][] = [
    ['genuine callbacks answered 200', answers.get('genuine 200') ?? 0, numberOf(callbacks, 'genuine')],
    ['duplicates answered 200', answers.get('duplicate 200') ?? 0, numberOf(callbacks, 'duplicate')],
    ['forged callbacks answered 401', answers.get('forged 401') ?? 0, numberOf(callbacks, 'forged')],
    ['changes', decisions.get('applied') ?? 0, endings.length],
    ['events', events.size, endings.length],
    ['faults in the log', faults.length, 0],
  ];
  return wanted
    .filter(([, is, shall]) => is !== shall)
    .map(([what, is, shall]) => `${what}: ${is} instead of ${shall}`)
    .concat(faults.slice(0, 5));
};

/**
 * Sends callbacks to the receiver in this process, over the emulators that the environment names, and looks at every
 * story afterwards.
 */
export const runLoad = async ({ concurrency, seed, ...shares }: LoadOptions) => {
  const secrets: LoadSecrets = {
    standard: randomBytes(32),
    hmac: randomBytes(16).toString('hex'),
    strangers: randomBytes(32),
  };
  const random = randomFrom(seed);
  const plan = planLoad(shares, random, secrets);
  const receiver = await openLoadedReceiver(secrets, random.fork('consumer'));
  try {
    await plant(plan, receiver);
    const { answers, latenciesMs, tookMs } = await sendAll(plan.callbacks, concurrency, receiver.url);
    await until(() => receiver.events.size >= plan.endings.length, EVENTS_TIMEOUT_MS);
    const stories = await judgeStories(plan, receiver.firestore);
    const sorted = latenciesMs.toSorted((one, other) => one - other);
    const at = (quantile: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0;
    return {
      /** How many of each kind were answered with each status, such as `genuine 200`. */
      answers,
      decisions: receiver.decisions,
      events: receiver.events.size,
      stories: plan.endings.length + plan.victims.length,
      /** Answers a second. */
      throughput: (latenciesMs.length / tookMs) * 1000,
      latencyMs: { p50: at(0.5), p95: at(0.95), max: sorted.at(-1) ?? 0 },
      /** What is wrong, a sentence for each. */
      faults: [...judgeCounts(plan, answers, receiver), ...stories],
    };
  } finally {
    await receiver.close();
  }
};
