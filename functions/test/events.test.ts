import { randomUUID } from 'node:crypto';
import { type Message, PubSub } from '@google-cloud/pubsub';
import { createNames } from '@taleback/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { NarrationEvent } from '../src/events/narration-event.ts';
import { type Events, publishOwed } from '../src/events/publish-owed.ts';
import { createEvents } from '../src/events/pubsub.node.ts';
import type { Answer } from '../src/http/answer.ts';
import { createReceiver, type Receiver } from '../src/http/router.ts';
import { requestAudio } from '../src/request/request-audio.ts';
import { failDeadLetter } from '../src/runpod/dead-letter.ts';
import { sweepStories } from '../src/sweep/sweep.ts';
import { type Nets, openNets } from './nets-harness.ts';

let nets: Nets;
let receiver: Receiver;
const receiverWith = (events: Events): Receiver =>
  createReceiver({
    ...nets.same,
    publishing: { ...nets.owing, events },
    stories: nets.stories,
    signatures: 'off',
    secrets: { standard: [], hmac: [] },
    hmacHeaderPrefix: 'taleback',
  });
beforeAll(async () => {
  nets = await openNets();
  receiver = receiverWith(nets.owing.events);
});
afterAll(() => nets.close());

const post = (to: Receiver, route: string, body: object): Promise<Answer> =>
  to({
    method: 'POST',
    path: `/api/tts/${route}`,
    search: '',
    headers: new Headers({ 'content-type': 'application/json' }),
    body: Buffer.from(JSON.stringify(body)),
  });
let next = 0;
const runningStory = async (fields: Record<string, unknown> = {}): Promise<string> => {
  next += 1;
  const jobId = `job-${next}`;
  const job = { audioStatus: 'processing', audioJobId: jobId, audioAttempt: 1 };
  const storyId = await nets.newStory({ ...job, ...fields });
  const attempt = { jobId, number: 1, status: fields['audioStatus'] ?? 'processing' };
  await nets.firestore.doc(`stories/${storyId}/audioAttempts/${jobId}`).set(attempt);
  return storyId;
};

/** Events of a story, once an event that was published after them has come through. */
const eventsOf = async (storyId: string): Promise<NarrationEvent[]> => {
  const marker = await runningStory();
  await post(receiver, 'callback', { story_id: marker, storage_path: 'p' });
  const subjects = (): string[] => nets.kept.events.map(({ data }) => data.subject);
  await vi.waitFor(() => expect(subjects()).toContain(marker), { timeout: 120_000, interval: 10 });
  return nets.kept.events.flatMap(({ data }) => (data.subject === storyId ? [data] : []));
};

describe('events of narrations', () => {
  it('report an end before the callback is answered', async () => {
    const storyId = await runningStory();
    const order: string[] = [];
    const events: Events = {
      publish: async (event) => {
        order.push(`${String((await nets.story(storyId))['audioStatus'])} ${event.type}`);
      },
    };
    const told = receiverWith(events);
    await post(told, 'callback', { story_id: storyId, storage_path: 'p/x.mp3' });
    order.push('answered');
    expect(order).toEqual(['ready dev.taleback.narration.ready', 'answered']);
  });

  it('are CloudEvents, with attributes to choose by', async () => {
    const storyId = await runningStory();
    const jobId = `job-${next}`;
    await post(receiver, 'error-callback', { story_id: storyId, job_id: jobId, error: 'CUDA out of memory' });
    expect(await eventsOf(storyId)).toEqual([
      {
        specversion: '1.0',
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        source: '/taleback/functions',
        type: 'dev.taleback.narration.failed',
        subject: storyId,
        time: expect.stringMatching(/^\d{4}-.+Z$/),
        datacontenttype: 'application/json',
        data: {
          storyId,
          userId: 'u1',
          jobId,
          attempt: 1,
          sequence: 1,
          status: 'failed',
          code: 'gpu_out_of_memory',
          retryable: true,
          retryAt: expect.stringMatching(/Z$/),
        },
      },
    ]);
    const kept = nets.kept.events.find(({ data }) => data.subject === storyId);
    expect(kept?.attributes).toMatchObject({
      'content-type': 'application/cloudevents+json',
      type: 'dev.taleback.narration.failed',
      storyId,
    });
  });

  it('come once for a message that comes again', async () => {
    const storyId = await runningStory();
    const body = { story_id: storyId, storage_path: 'p/x.mp3' };
    for (let index = 0; index < 3; index += 1)
      expect((await post(receiver, 'callback', body)).status).toBe(200);
    expect(await eventsOf(storyId)).toHaveLength(1);
  });

  it('have an id and a number of their own, also where a story has no job', async () => {
    const storyId = await nets.newStory({ audioStatus: 'pending' });
    const send = async (route: string, body: object) => {
      expect((await post(receiver, route, { story_id: storyId, ...body })).status).toBe(200);
      await nets.firestore.doc(`stories/${storyId}`).update({ audioStatus: 'pending' });
    };
    await send('error-callback', { error: 'odd' });
    await send('error-callback', { error: 'CUDA out of memory' });
    await send('callback', { audio_url: 'https://a.test/1.mp3' });
    await send('callback', { audio_url: 'https://a.test/2.mp3' });
    const events = await eventsOf(storyId);
    expect(new Set(events.map(({ id }) => id)).size).toBe(4);
    expect(new Set(events.map(({ data }) => data.sequence))).toEqual(new Set([1, 2, 3, 4]));
  });

  it('are not there for what changes no end: progress, another job, a failure that comes too late', async () => {
    const storyId = await runningStory();
    await post(receiver, 'progress', { story_id: storyId, job_id: `job-${next}`, stage: 's', progress: 0.5 });
    await post(receiver, 'callback', { story_id: storyId, job_id: 'older', storage_path: 'p' });
    await post(receiver, 'error-callback', { story_id: storyId, job_id: 'older', error: 'x' });
    expect(await eventsOf(storyId)).toEqual([]);
    const ready = await runningStory({ audioStatus: 'ready' });
    await post(receiver, 'error-callback', { story_id: ready, error: 'too late' });
    expect(await eventsOf(ready)).toEqual([]);
  });

  it('that cannot be published are owed; the callback is answered 200 all the same', async () => {
    await publishOwed({ ...nets.owing, minAgeMs: -60_000 });
    const storyId = await runningStory();
    const away = receiverWith({ publish: () => Promise.reject(new Error('UNAVAILABLE')) });
    const body = { story_id: storyId, storage_path: 'p/x.mp3' };
    expect((await post(away, 'callback', body)).status).toBe(200);
    expect(await eventsOf(storyId)).toEqual([]);
    const published: NarrationEvent[] = [];
    const events: Events = { publish: async (event) => void published.push(event) };
    expect(await publishOwed({ ...nets.owing, events })).toBe(0);
    expect(await publishOwed({ ...nets.owing, events, minAgeMs: -60_000 })).toBe(1);
    expect(published).toMatchObject([{ subject: storyId, data: { status: 'ready', sequence: 1 } }]);
    expect(await publishOwed({ ...nets.owing, events, minAgeMs: -60_000 })).toBe(0);
  });

  it('that Pub/Sub does not answer delay the callback by half a second at most', async () => {
    const storyId = await runningStory();
    let isPublished = false;
    const gate = Promise.withResolvers<void>();
    const slow = receiverWith({ publish: () => gate.promise.then(() => void (isPublished = true)) });
    expect((await post(slow, 'callback', { story_id: storyId, storage_path: 'p' })).status).toBe(200);
    expect(isPublished).toBe(false);
    gate.resolve();
  });

  it('do not delay the callback where work goes on after an answer', async () => {
    const storyId = await runningStory();
    const never = new Promise<never>(() => {});
    const clock = { setTimer: () => expect.unreachable('nothing is waited for') };
    const quick = createReceiver({
      ...nets.same,
      publishing: { ...nets.owing, events: { publish: () => never }, clock, limitMs: 0 },
      stories: nets.stories,
      signatures: 'off',
      secrets: { standard: [], hmac: [] },
      hmacHeaderPrefix: 'taleback',
    });
    expect((await post(quick, 'callback', { story_id: storyId, storage_path: 'p' })).status).toBe(200);
  });

  it('report ends that come from the sweeper, a dead letter and a full queue', async () => {
    const swept = await runningStory({ audioLeaseExpiresAt: new Date(1) });
    const dead = await runningStory();
    const jobId = `job-${next}`;
    const unqueued = await nets.newStory();
    const queue = { publish: () => Promise.reject(new Error('full')) };
    await requestAudio('request', 'u1', { storyId: unqueued }, { ...nets.requests, queue });
    const letter = { data: Buffer.from(''), attributes: { storyId: dead, jobId, reason: 'x' } };
    await failDeadLetter(letter, { ...nets.same, stories: nets.stories });
    const { requests, same, stories } = nets;
    await sweepStories({ ...same, stories, requests, runpod: undefined, findAudio: undefined });
    expect((await eventsOf(swept)).map(({ data }) => data.code)).toEqual(['lease_expired']);
    expect((await eventsOf(dead)).map(({ data }) => data.code)).toEqual(['worker_lost']);
    expect((await eventsOf(unqueued)).map(({ data }) => data.code)).toEqual(['queue_unavailable']);
  });

  it('that Pub/Sub did not take are owed, and published by a later sweep, once', async () => {
    await publishOwed({ ...nets.owing, minAgeMs: -60_000 });
    const swept = await runningStory({ audioLeaseExpiresAt: new Date(1) });
    const called = await runningStory();
    const unqueued = await nets.newStory();
    const away: Events = { publish: () => Promise.reject(new Error('UNAVAILABLE')) };
    const publishing = { ...nets.owing, events: away };
    const queue = { publish: () => Promise.reject(new Error('UNAVAILABLE')) };
    const requests = { ...nets.requests, publishing, queue };
    await requestAudio('request', 'u1', { storyId: unqueued }, requests);
    const { same, stories, owing } = nets;
    await sweepStories({
      ...same,
      stories,
      publishing,
      requests,
      runpod: undefined,
      findAudio: undefined,
    });
    const body = { story_id: called, storage_path: 'p/x.mp3' };
    expect((await post(receiverWith(away), 'callback', body)).status).toBe(200);
    const owed = { ...owing, minAgeMs: -60_000 };
    expect(await publishOwed({ ...owed, events: away })).toBe(0);
    for (const storyId of [swept, called, unqueued]) expect(await eventsOf(storyId)).toEqual([]);

    expect(await publishOwed({ ...owed, pageSize: 1 })).toBe(3);
    expect(await publishOwed(owed)).toBe(0);
    expect(await eventsOf(swept)).toMatchObject([{ data: { code: 'lease_expired' } }]);
    expect(await eventsOf(called)).toMatchObject([{ data: { storagePath: 'p/x.mp3' } }]);
    expect(await eventsOf(unqueued)).toMatchObject([{ data: { code: 'queue_unavailable' } }]);
  });

  it('are owed from the commit of their end until they are published', async () => {
    await publishOwed({ ...nets.owing, minAgeMs: -60_000 });
    const swept = await runningStory({ audioLeaseExpiresAt: new Date(1) });
    const wordless = await runningStory({ audioStatus: 'failed', audioRetryAt: new Date(1), text: '' });
    const unqueued = await nets.newStory();
    const owedNow = async (): Promise<string[]> => {
      const page = await nets.owing.owed.list(Date.now() + 60_000, 10);
      return page.kind === 'owed' ? page.events.map(({ subject }) => subject) : [page.cause];
    };
    const told: string[] = [];
    const events: Events = {
      publish: async ({ subject }) => {
        expect(await owedNow()).toContain(subject);
        told.push(subject);
      },
    };
    const publishing = { ...nets.owing, events };
    const queue = { publish: () => Promise.reject(new Error('full')) };
    const { same, stories } = nets;
    const requests = { ...nets.requests, publishing };
    await requestAudio('request', 'u1', { storyId: unqueued }, { ...requests, queue });
    await sweepStories({ ...same, stories, publishing, requests, runpod: undefined, findAudio: undefined });
    expect(told.sort()).toEqual([swept, unqueued, wordless].sort());
    await expect.poll(owedNow).toEqual([]);
  });

  it('are published although one before them is refused', async () => {
    await publishOwed({ ...nets.owing, minAgeMs: -60_000 });
    const told: string[] = [];
    const events: Events = {
      publish: async ({ subject }) => {
        if (subject === refused) throw new Error('INVALID_ARGUMENT');
        told.push(subject);
      },
    };
    const [refused, other] = [await runningStory(), await runningStory()];
    const away = receiverWith({ publish: () => Promise.reject(new Error('UNAVAILABLE')) });
    for (const story_id of [refused, other]) await post(away, 'callback', { story_id, storage_path: 'p' });
    const owing = { ...nets.owing, events, pageSize: 1, minAgeMs: -60_000 };
    expect(await publishOwed(owing)).toBe(1);
    expect(told).toEqual([other]);
    expect(await publishOwed(owing)).toBe(0);
    await publishOwed({ ...nets.owing, minAgeMs: -60_000 });
  });

  it('have no attribute that Pub/Sub would refuse: a long story id is only in the event', async () => {
    const storyId = 'x'.repeat(1_100);
    const words = { userId: 'u1', title: 'The Tide', text: 'Once.', language: 'en' };
    await nets.firestore.doc(`stories/${storyId}`).set(words);
    const requested = await requestAudio('request', 'u1', { storyId }, nets.requests);
    expect(requested).toMatchObject({ kind: 'opened' });
    expect((await post(receiver, 'callback', { story_id: storyId, storage_path: 'p/x.mp3' })).status).toBe(
      200,
    );
    expect(await eventsOf(storyId)).toHaveLength(1);
    const kept = nets.kept.events.find(({ data }) => data.subject === storyId);
    expect(Object.keys(kept?.attributes ?? {}).sort()).toEqual(['content-type', 'type']);
    const job = nets.kept.jobs.find(({ data }) => data.input.metadata.story_id === storyId);
    expect(Object.keys(job?.attributes ?? {})).toEqual(['jobId']);
  });

  it('make the topic where no one did, once for many at the same time', async () => {
    const projectId = `demo-${randomUUID().slice(0, 13)}`;
    const events = createEvents({ projectId });
    const [event] = await eventsOf(await runningStory()).then(() => nets.kept.events.map(({ data }) => data));
    if (event === undefined) throw new Error('there is no event');
    await Promise.all(Array.from({ length: 5 }, () => events.publish(event)));
    const pubsub = new PubSub({ projectId });
    const received: Message[] = [];
    const [subscription] = await pubsub.topic(createNames().topics.events).createSubscription('late');
    subscription.setOptions({ streamingOptions: { maxStreams: 1 } });
    subscription.on('message', (message: Message) => {
      received.push(message);
      message.ack();
    });
    await events.publish(event);
    await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 120_000, interval: 10 });
    await pubsub.close();
  });
});

describe('the cost of a callback', () => {
  it('is one read call and one commit; the event is settled after the answer', async () => {
    const { firestore } = nets;
    // Nothing is settled while it is counted.
    const quiet = receiverWith({ publish: () => Promise.reject(new Error('UNAVAILABLE')) });
    const counted: string[] = [];
    const request = vi.spyOn(firestore, 'request' as never) as unknown as {
      mock: { calls: [string][] };
      mockRestore(): void;
    };
    const stream = vi.spyOn(firestore, 'requestStream' as never) as unknown as typeof request;
    const sends = [
      ['callback', { storage_path: 'p' }],
      ['error-callback', { error: 'x' }],
      ['progress', { stage: 's' }],
    ] as const;
    // Both name the job: our id, and RunPod's id of the current job.
    for (const namedBy of ['job', 'rp']) {
      for (const [route, more] of sends) {
        const audioLeaseExpiresAt = new Date(Date.now() + 60_000);
        const storyId = await runningStory({ audioRunpodJobId: `rp-${next + 1}`, audioLeaseExpiresAt });
        request.mock.calls.length = 0;
        stream.mock.calls.length = 0;
        const body = { story_id: storyId, job_id: `${namedBy}-${next}`, ...more };
        expect((await post(quiet, route, body)).status).toBe(200);
        counted.push([...stream.mock.calls, ...request.mock.calls].map(([name]) => name).join(', '));
      }
    }
    request.mockRestore();
    stream.mockRestore();
    expect(new Set(counted)).toEqual(new Set(['batchGetDocuments, commit']));
  });
});
