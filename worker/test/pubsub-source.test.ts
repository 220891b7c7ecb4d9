import { randomUUID } from 'node:crypto';
import { Duration, type Message, PubSub, v1 } from '@google-cloud/pubsub';
import { createNames } from '@taleback/core';
import { type Clock, systemClock } from '@taleback/resilience';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createPubsubSource } from '../src/jobs/pubsub.node.ts';
import type { Handler, HandlerResult } from '@taleback/handler';
import type { JobSource } from '../src/jobs/job-source.ts';

const SUBSCRIPTION = 'tts-jobs-worker';
const LONG_MS = 60_000;
/** No test lives to see it. */
const DAY_MS = 86_400_000;
/** After this long Pub/Sub gives a job to another worker. */
const DEADLINE_MS = 10_000;
const done: HandlerResult = {
  status: 'success',
  audio_url: '',
  storage_path: '',
  duration_ms: 1,
  generation_time: 1,
};

let pubsub: PubSub;
let projectId: string;
let logged: string[];
const sources = new Set<JobSource>();
beforeEach(() => {
  projectId = `demo-${randomUUID().slice(0, 13)}`;
  pubsub = new PubSub({ projectId });
  logged = [];
});
afterEach(async () => {
  await Promise.all([...sources].map((source) => source.drain(0)));
  sources.clear();
  await pubsub.close();
});

/** Leases are extended ten times as often, and no time passes by which a job could wait for long. */
const eager: Clock = {
  now: () => 0,
  setTimer: (run, delayMs) => systemClock.setTimer(run, delayMs === DEADLINE_MS / 2 ? 500 : delayMs),
};

const createSource = (concurrency = 1, subscription = SUBSCRIPTION, clock = systemClock): JobSource => {
  const source = createPubsubSource({
    names: createNames(),
    projectId,
    subscription,
    concurrency,
    ackDeadlineSeconds: DEADLINE_MS / 1000,
    streamDeadMs: 600_000,
    clock,
    random: Math.random,
    log: (severity, message) => {
      if (severity !== 'info') logged.push(`${severity}: ${message}`);
    },
  });
  sources.add(source);
  return source;
};

const drain = async (source: JobSource, graceMs: number): Promise<void> => {
  sources.delete(source);
  await source.drain(graceMs);
};

const publish = (event: object): Promise<string> =>
  pubsub.topic(createNames().topics.jobs).publishMessage({ json: event });

const until = (assertion: () => void): Promise<void> =>
  vi.waitFor(assertion, { timeout: 120_000, interval: 10 });

const idOf = (event: unknown): string => (event as { id: string }).id;
const byId = (one: unknown, other: unknown): number => idOf(one).localeCompare(idOf(other));

interface Job {
  readonly id: string;
  readonly signal: AbortSignal;
  readonly finish: () => void;
  readonly giveUp: () => void;
}

/** A handler whose jobs end when they are told to; they give up by themselves when they are aborted. */
const heldHandler = () => {
  const begun: Job[] = [];
  let active = 0;
  let mostActive = 0;
  const handler: Handler = async (event, signal) => {
    active += 1;
    mostActive = Math.max(mostActive, active);
    try {
      return await new Promise<HandlerResult>((resolve, reject) => {
        const giveUp = (): void => reject(new Error('given up'));
        signal.addEventListener('abort', giveUp, { once: true });
        begun.push({ id: idOf(event), signal, finish: () => resolve(done), giveUp });
      });
    } finally {
      active -= 1;
    }
  };
  return { handler, begun, ids: () => begun.map(({ id }) => id), mostActive: () => mostActive };
};

const watchExtensions = () => {
  const extend = vi.spyOn(v1.SubscriberClient.prototype, 'modifyAckDeadline');
  onTestFinished(() => extend.mockRestore());
  const sizes = (): number[] => extend.mock.calls.map(([asked]) => asked?.ackIds?.length ?? 0);
  /** Jobs that were given back, rather than left until Pub/Sub takes them away. */
  const givenBack = (): number => {
    const back = extend.mock.calls.filter(([asked]) => asked?.ackDeadlineSeconds === 0);
    return new Set(back.flatMap(([asked]) => asked?.ackIds ?? [])).size;
  };
  return { sizes, givenBack };
};

/** Waits until a worker with an eager clock holds so many jobs. */
const watchHeld = () => {
  const { sizes } = watchExtensions();
  return (jobs: number): Promise<void> =>
    until(() => expect(Math.max(0, ...sizes())).toBeGreaterThanOrEqual(jobs));
};
const jobOf = (id: string, user: string, more: object = {}) => ({
  id,
  input: { text: 'Once.', voice_id: 'slt', metadata: { user_id: user }, ...more },
});

/**
 * What a fresh worker is given, up to a job that is published now, and the jobs that are expected: what the others
 * have not acknowledged.
 */
const leftForAnother = async (expected: readonly string[] = []): Promise<string[]> => {
  const ids: string[] = [];
  const another = createSource();
  await another.start(async (event) => {
    ids.push(idOf(event));
    return done;
  });
  await publish({ id: 'the-last' });
  await until(() => expect(ids).toEqual(expect.arrayContaining([...expected, 'the-last'])));
  await drain(another, LONG_MS);
  return ids.filter((id) => id !== 'the-last').sort();
};

describe('the Pub/Sub source', () => {
  it('takes jobs as they were published, each once, and acknowledges them', async () => {
    const events: unknown[] = [];
    const source = createSource(3);
    await source.start(async (event, signal) => {
      expect(signal.aborted).toBe(false);
      events.push(event);
      return done;
    });
    const published = Array.from({ length: 12 }, (_, index) => ({
      id: `job-${index}`,
      input: { text: 'Großmütterchen 🧶', deep: [[index], null] },
    }));
    await Promise.all(published.map(publish));
    await until(() => expect(events).toHaveLength(12));
    await drain(source, LONG_MS);
    expect(events.sort(byId)).toEqual(published.sort(byId));
    expect(await leftForAnother()).toEqual([]);
  });

  it('has no more jobs under way than it may', async () => {
    const held = heldHandler();
    const source = createSource(2);
    await source.start(held.handler);
    await Promise.all(Array.from({ length: 7 }, (_, index) => publish({ id: `job-${index}` })));
    for (let finished = 0; finished < 7; finished += 1) {
      await until(() => expect(held.begun).toHaveLength(Math.min(7, finished + 2)));
      held.begun[finished]?.finish();
    }
    await drain(source, LONG_MS);
    expect(held.mostActive()).toBe(2);
    expect(new Set(held.ids()).size).toBe(7);
    expect(await leftForAnother()).toEqual([]);
  });

  it('gives a job up that came back ten times, and Pub/Sub puts it with the dead letters', async () => {
    let taken = 0;
    const source = createSource();
    await source.start(async () => {
      taken += 1;
      throw new Error('it takes every worker down');
    });
    const [watch] = await pubsub
      .topic(createNames().topics.deadLetters)
      .createSubscription('dead-letter-watch');
    const dead: Message[] = [];
    watch.setOptions({ streamingOptions: { maxStreams: 1 } });
    watch.on('message', (message: Message) => {
      dead.push(message);
      message.ack();
    });
    await publish({ id: 'poison' });
    await until(() => expect(dead).toHaveLength(1));
    expect(JSON.parse(dead[0]?.data.toString() ?? '')).toEqual({ id: 'poison' });
    expect(dead[0]?.attributes['CloudPubSubDeadLetterSourceDeliveryCount']).toBe('10');
    // A delivery whose acknowledgement ran out on a busy machine counts, and is not taken.
    expect(taken).toBeGreaterThan(1);
    expect(taken).toBeLessThanOrEqual(10);
    await watch.close();
  });

  it.each(['not JSON', '{"id": ', ''])('sets aside what is no job, with the reason: %j', async (text) => {
    const handled: unknown[] = [];
    const source = createSource();
    await source.start(async (event) => {
      handled.push(event);
      return done;
    });
    const [watch] = await pubsub
      .topic(createNames().topics.deadLetters)
      .createSubscription('dead-letter-watch');
    const dead: Message[] = [];
    watch.setOptions({ streamingOptions: { maxStreams: 1 } });
    watch.on('message', (message: Message) => {
      dead.push(message);
      message.ack();
    });
    await pubsub
      .topic(createNames().topics.jobs)
      .publishMessage({ data: Buffer.from(text), attributes: { jobId: 'j1', storyId: 's1' } });
    await until(() => expect(dead).toHaveLength(1));
    expect(dead[0]?.data.toString()).toBe(text);
    expect(dead[0]?.attributes).toEqual({ jobId: 'j1', storyId: 's1', reason: 'not JSON' });
    expect(logged).toEqual(['error: job set aside']);
    await drain(source, LONG_MS);
    expect(await leftForAnother()).toEqual([]);
    expect(handled).toEqual([]);
    expect(dead).toHaveLength(1);
    await watch.close();
  });

  it('gives back a job whose handler rejects, and takes it again', async () => {
    const tries: string[] = [];
    const source = createSource();
    await source.start(async (event) => {
      tries.push(idOf(event));
      if (tries.length < 3) throw new Error('not this time');
      return done;
    });
    await publish({ id: 'stubborn' });
    await until(() => expect(tries).toEqual(['stubborn', 'stubborn', 'stubborn']));
    await drain(source, LONG_MS);
    expect(logged).toEqual(Array(2).fill('warn: job given back'));
    expect(await leftForAnother()).toEqual([]);
  });

  it('keeps a job as long as it runs, beyond the deadline of its acknowledgement', async () => {
    const held = heldHandler();
    const source = createSource(2);
    await source.start(held.handler);
    // The same job elsewhere, where nobody extends its deadline: when it comes again there, the deadline is past.
    const [unextended] = await pubsub
      .topic(createNames().topics.jobs)
      .createSubscription('unextended', { ackDeadlineSeconds: DEADLINE_MS / 1000 });
    unextended.setOptions({
      maxExtensionTime: Duration.from({ seconds: 0 }),
      streamingOptions: { maxStreams: 1 },
    });
    const seen: string[] = [];
    unextended.on('message', (message: Message) => void seen.push(message.id));
    await publish({ id: 'slow' });
    await until(() => expect(seen).toHaveLength(2));
    expect(held.begun).toHaveLength(1);
    held.begun[0]?.finish();
    await unextended.close();
    await drain(source, LONG_MS);
    expect(await leftForAnother()).toEqual([]);
  });

  it("deals by user and priority: after 300 jobs of one person, another's is among the next", async () => {
    const held = heldHandler();
    const isHeld = watchHeld();
    const source = createSource(2, SUBSCRIPTION, eager);
    await source.start(held.handler);
    const many = Array.from({ length: 300 }, (_, index) => publish(jobOf(`heavy-${index}`, 'heavy')));
    await Promise.all(many);
    await Promise.all([
      publish(jobOf('other', 'quiet')),
      publish(jobOf('urgent', 'heavy', { priority: 'high' })),
    ]);
    await isHeld(302);
    for (let finished = 0; finished < 4; finished += 1) {
      held.begun[finished]?.finish();
      await until(() => expect(held.begun).toHaveLength(finished + 3));
    }
    expect(held.ids().slice(2)).toEqual(expect.arrayContaining(['urgent', 'other']));
  });

  it('offers what waits to a worker that starts later', async () => {
    const first = heldHandler();
    const isHeld = watchHeld();
    let nowMs = 0;
    const clock: Clock = { ...eager, now: () => nowMs };
    await createSource(1, SUBSCRIPTION, clock).start(first.handler);
    await Promise.all(Array.from({ length: 30 }, (_, index) => publish(jobOf(`job-${index}`, 'u1'))));
    await isHeld(30);
    const taken: string[] = [];
    await createSource(1, SUBSCRIPTION, clock).start(async (event) => {
      taken.push(idOf(event));
      return done;
    });
    expect(taken).toEqual([]);
    // Pub/Sub may offer a job to the first worker again.
    await until(() => {
      nowMs += DEADLINE_MS;
      expect(taken).not.toEqual([]);
    });
    expect(first.begun).toHaveLength(1);
  });

  describe('draining', () => {
    it('finishes the job under way and leaves the others to others', async () => {
      const held = heldHandler();
      const { sizes, givenBack } = watchExtensions();
      const source = createSource();
      await source.start(held.handler);
      await publish({ id: 'first' });
      await until(() => expect(held.begun).toHaveLength(1));
      const others = ['second', 'third', 'fourth', 'fifth'];
      for (const id of others) await publish({ id });
      // Those still on their way could not be given back.
      await until(() => expect(sizes()).toContain(5));
      const events: string[] = [];
      const draining = drain(source, LONG_MS).then(() => events.push('drained'));
      expect(await leftForAnother(others)).toEqual(others.sort());
      expect(givenBack()).toBeGreaterThanOrEqual(others.length);
      expect([events, held.ids(), held.begun[0]?.signal.aborted]).toEqual([[], ['first'], false]);
      held.begun[0]?.finish();
      await draining;
      expect(await leftForAnother()).toEqual([]);
    });

    it('gives back at once what it cannot finish in time', async () => {
      const held = heldHandler();
      const source = createSource(2);
      await source.start(held.handler);
      await Promise.all([publish({ id: 'a' }), publish({ id: 'b' })]);
      await until(() => expect(held.begun).toHaveLength(2));
      const { givenBack } = watchExtensions();
      await drain(source, 50);
      expect(held.begun.every(({ signal }) => signal.aborted)).toBe(true);
      expect(givenBack()).toBeGreaterThanOrEqual(2);
      expect(await leftForAnother(['a', 'b'])).toEqual(['a', 'b']);
    });

    it('is over at once when there is nothing to do, also before any start', async () => {
      await drain(createSource(), DAY_MS);
      const source = createSource();
      await source.start(async () => done);
      await expect(drain(source, DAY_MS)).resolves.toBeUndefined();
    });

    it('ends a start that is under way, so that nothing is taken', async () => {
      const held = heldHandler();
      const [topic] = await pubsub.createTopic(createNames().topics.jobs);
      await topic.createSubscription(SUBSCRIPTION);
      const source = createSource();
      const starting = source.start(held.handler);
      await drain(source, LONG_MS);
      await starting;
      await publish({ id: 'waiting' });
      expect(await leftForAnother(['waiting'])).toEqual(['waiting']);
      expect(held.begun).toEqual([]);
    });

    it('ends a start that waits for a Pub/Sub that is away', async () => {
      const host = process.env['PUBSUB_EMULATOR_HOST'];
      process.env['PUBSUB_EMULATOR_HOST'] = '127.0.0.1:9';
      const source = createSource();
      const starting = source.start(async () => done);
      process.env['PUBSUB_EMULATOR_HOST'] = host;
      await drain(source, 100);
      await expect(starting).resolves.toBeUndefined();
    });
  });

  it('makes what is missing, also when several workers start at once, and one of them gets the job', async () => {
    const taken: string[] = [];
    const workers = Array.from({ length: 4 }, () => createSource());
    await Promise.all(
      workers.map((worker) =>
        worker.start(async (event) => {
          taken.push(idOf(event));
          return done;
        }),
      ),
    );
    const [topics] = await pubsub.getTopics();
    expect(new Set(topics.map(({ name }) => name.split('/').at(-1)))).toEqual(
      new Set(['tts-jobs', 'tts-jobs-dead-letter']),
    );
    const [metadata] = await pubsub.subscription(SUBSCRIPTION).getMetadata();
    expect([metadata.topic?.split('/').at(-1), metadata.ackDeadlineSeconds]).toEqual(['tts-jobs', 10]);
    await publish({ id: 'only-one' });
    await until(() => expect(taken).toEqual(['only-one']));
    await Promise.all(workers.map((worker) => drain(worker, LONG_MS)));
    expect(await leftForAnother()).toEqual([]);
    expect(taken).toEqual(['only-one']);
  });

  it('is dead at once when the name of its subscription is not possible', async () => {
    const source = createSource(1, 'x');
    void source.start(async () => done);
    expect(await source.dead).toMatch(/^The subscription "x" .*INVALID_ARGUMENT/);
  });
});
