import { randomUUID } from 'node:crypto';
import { PubSub } from '@google-cloud/pubsub';
import { createNames } from '@taleback/core';
import type { HandlerResult } from '@taleback/handler';
import { systemClock } from '@taleback/resilience';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { JobSource } from '../src/jobs/job-source.ts';
import { GRPC } from '../src/jobs/pubsub-faults.ts';
import { createPubsubSource } from '../src/jobs/pubsub.node.ts';
import { openPubsubServer } from './pubsub-server.ts';

const SUBSCRIPTION = 'tts-jobs-worker';
const DONE: HandlerResult = {
  status: 'success',
  audio_url: '',
  storage_path: '',
  duration_ms: 1,
  generation_time: 1,
};

let projectId: string;
let taken: unknown[];
let logged: string[];
const sources: JobSource[] = [];
beforeEach(() => {
  projectId = `demo-${randomUUID().slice(0, 13)}`;
  taken = [];
  logged = [];
});
afterEach(async () => {
  await Promise.all(sources.splice(0).map((source) => source.drain(0)));
});

/** @param host of another Pub/Sub than the emulator */
const createSource = (host?: string, streamDeadMs = 600_000): JobSource => {
  const emulator = process.env['PUBSUB_EMULATOR_HOST'];
  process.env['PUBSUB_EMULATOR_HOST'] = host ?? emulator;
  const source = createPubsubSource({
    names: createNames(),
    projectId,
    subscription: SUBSCRIPTION,
    concurrency: 2,
    ackDeadlineSeconds: 10,
    streamDeadMs,
    clock: systemClock,
    random: Math.random,
    log: (severity, message, { reason = '' } = {}) =>
      void logged.push(`${severity}: ${message} ${String(reason)}`),
  });
  process.env['PUBSUB_EMULATOR_HOST'] = emulator;
  sources.push(source);
  return source;
};

const take = async (event: unknown): Promise<HandlerResult> => {
  taken.push(event);
  return DONE;
};

const until = (assertion: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(assertion, { timeout: 120_000, interval: 20 });

const openServer = async () => {
  const server = await openPubsubServer();
  onTestFinished(() => server.close());
  return server;
};

describe('the stream of jobs', () => {
  it('is opened without creating anything when the subscription is there', async () => {
    const server = await openServer();
    const source = createSource(server.host);
    await source.start(take);
    expect(source.health()).toMatchObject({ open: true, failures: 0 });
    server.push('m1', { id: 'first' });
    await until(() => expect(server.calls).toEqual(['StreamingPull', 'Acknowledge']));
    expect(taken).toEqual([{ id: 'first' }]);
  });

  it('is opened again when the subscription was deleted, which is created, and when the topic was too', async () => {
    const pubsub = new PubSub({ projectId });
    onTestFinished(() => pubsub.close());
    const source = createSource();
    await source.start(take);
    for (const names of [[], [createNames().topics.jobs]]) {
      await Promise.all(names.map((name) => pubsub.topic(name).delete()));
      await pubsub.subscription(SUBSCRIPTION).delete();
      await until(() => expect(source.health().open).toBe(false));
      await until(() => expect(source.health().open).toBe(true));
      await pubsub.topic(createNames().topics.jobs).publishMessage({ json: { without: names } });
      await until(() => expect(taken).toContainEqual({ without: names }));
    }
  });

  it.each([
    [GRPC.PERMISSION_DENIED, /roles\/pubsub\.subscriber/],
    [GRPC.UNAUTHENTICATED, /credentials/],
    [2, /User not authorized/],
    [9, /User not authorized/],
    [13, /User not authorized/],
    [14, /User not authorized/],
  ])('is opened again after it was refused with code %i for a while', async (code, words) => {
    const server = await openServer();
    const source = createSource(server.host);
    await source.start(take);
    server.refuse('StreamingPull', code);
    await until(() =>
      expect(source.health()).toMatchObject({ open: false, reason: expect.stringMatching(words) }),
    );
    await until(() => expect(source.health().failures).toBeGreaterThan(3));
    server.accept('StreamingPull');
    await until(() => expect(source.health().open).toBe(true));
    server.push('m1', { id: 'after' });
    await until(() => expect(taken).toEqual([{ id: 'after' }]));
    // The end, and that it lasts.
    expect(logged.filter((line) => line.includes('ended'))).toHaveLength(2);
  });

  it('has not started before it is open', async () => {
    const server = await openServer();
    server.refuse('StreamingPull', GRPC.PERMISSION_DENIED);
    const source = createSource(server.host);
    let hasStarted = false;
    const starting = source.start(take).then(() => (hasStarted = true));
    await until(() => expect(source.health().failures).toBeGreaterThan(2));
    expect([hasStarted, source.health().open]).toEqual([false, false]);
    server.accept('StreamingPull');
    await starting;
    expect(source.health().open).toBe(true);
  });

  it('says which role is missing when the subscription is, and dies of it', async () => {
    const server = await openServer();
    server.refuse('StreamingPull', GRPC.NOT_FOUND);
    server.refuse('CreateTopic', GRPC.PERMISSION_DENIED);
    server.refuse('CreateSubscription', GRPC.PERMISSION_DENIED);
    const source = createSource(server.host, 3_000);
    void source.start(take);
    expect(await source.dead).toBe(
      'The subscription "tts-jobs-worker" is missing, and the worker may not create it: create it, or grant its account roles/pubsub.editor on the project.',
    );
  });

  it('keeps the jobs under way while it is away, and does not narrate them twice', async () => {
    const server = await openServer();
    const source = createSource(server.host);
    const gate = Promise.withResolvers<HandlerResult>();
    await source.start(async (event) => {
      taken.push(event);
      return gate.promise;
    });
    server.push('m1', { id: 'held' });
    await until(() => expect(taken).toHaveLength(1));
    server.refuse('StreamingPull', GRPC.PERMISSION_DENIED);
    await until(() => expect(source.health().failures).toBeGreaterThan(2));
    server.accept('StreamingPull');
    await until(() => expect(source.health().open).toBe(true));
    server.push('m1', { id: 'held' }, 'second delivery');
    server.push('m2', { id: 'next' });
    await until(() => expect(taken).toEqual([{ id: 'held' }, { id: 'next' }]));
    gate.resolve(DONE);
    await until(() => expect(server.calls.filter((name) => name === 'Acknowledge')).toHaveLength(2));
  });

  it('acknowledges a job that comes again because it could not be acknowledged, without doing it again', async () => {
    const server = await openServer();
    server.refuse('Acknowledge', GRPC.PERMISSION_DENIED);
    const source = createSource(server.host);
    await source.start(take);
    server.push('m1', { id: 'once' });
    await until(() => expect(logged.join()).toContain('job not acknowledged'));
    server.accept('Acknowledge');
    server.push('m1', { id: 'once' }, 'second delivery');
    await until(() => expect(server.calls.filter((name) => name === 'Acknowledge')).toHaveLength(2));
    expect(taken).toEqual([{ id: 'once' }]);
  });
});
