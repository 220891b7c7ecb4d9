import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PubSub } from '@google-cloud/pubsub';
import { createNames, ttsJobEvent } from '@taleback/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readWaiting } from '@taleback/outbox';
import {
  openRecordingReceiver,
  type RecordingReceiver,
} from '../../packages/outbox/test/recording-receiver.ts';
import { startWorker, type WorkerChild } from './worker-child.ts';

let pubsub: PubSub;
let projectId: string;
let folder: string;
let receiver: RecordingReceiver;
let status: number;
let answer: string;
const workers: WorkerChild[] = [];
beforeEach(async () => {
  projectId = `demo-${randomUUID().slice(0, 13)}`;
  pubsub = new PubSub({ projectId });
  folder = await mkdtemp(join(tmpdir(), 'taleback-worker-outbox-'));
  status = 200;
  answer = '{"success":false,"error":"story_id: there is no story \\"s1\\""}';
  receiver = await openRecordingReceiver(({ path }) => ({
    status: path.endsWith('/callback') ? status : 200,
    text: answer,
  }));
});
afterEach(async () => {
  const living = workers.splice(0).filter((worker) => worker.isAlive());
  for (const worker of living) worker.signal('SIGKILL');
  await Promise.all(living.map((worker) => worker.ended));
  await receiver.close();
  await pubsub.close();
  await rm(folder, { recursive: true, force: true });
});

const outbox = (): string => join(folder, 'outbox');

const start = async (): Promise<{ readonly worker: WorkerChild; readonly healthUrl: string }> => {
  const worker = startWorker({
    GOOGLE_CLOUD_PROJECT: projectId,
    AUDIO_FOLDER: join(folder, 'audio'),
    SPEECH_CACHE: 'off',
    OUTBOX_FOLDER: outbox(),
    CONTROL_FILE: join(folder, 'control.env'),
    SPEECH_WORKERS_MAX: '1',
  });
  workers.push(worker);
  const { healthUrl } = await worker.line('worker ready');
  return { worker, healthUrl: String(healthUrl) };
};

const publish = (jobId: string): Promise<string> =>
  pubsub.topic(createNames().topics.jobs).publishMessage({
    json: ttsJobEvent({
      jobId,
      attempt: 1,
      storyId: 's1',
      userId: 'u1',
      text: 'The tide came up to the third step of the house.',
      voiceId: 'slt',
      voiceName: undefined,
      title: 'The Tide',
      language: 'en',
      storyType: 'user',
      callbackUrl: receiver.callbackUrl,
    }),
  });

const until = (check: () => Promise<void> | void): Promise<void> =>
  vi.waitFor(check, { timeout: 120_000, interval: 20 });

const waiting = (): number => readWaiting(outbox()).count;

const filesIn = async (place: string): Promise<string[]> =>
  (await readdir(join(folder, place), { recursive: true })).filter((name) => /\.(?:mp3|json)$/.test(name));

describe('the callbacks of the worker, in its process', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'outlive it: what a receiver would not take before %s, it gets from the next worker',
    async (signal) => {
      status = 500;
      const { worker, healthUrl } = await start();
      await publish('j1');
      await worker.line('callback retried later');
      const told = (await (await fetch(`${healthUrl}/health/status`)).json()) as Record<string, unknown>;
      expect(told['outbox']).toMatchObject({ sending: true, depth: 1, delivered: 0 });
      const metrics = await (await fetch(`${healthUrl}/metrics`)).text();
      expect(metrics).toMatch(/^taleback_outbox_depth\{sending="true"\} 1$/m);
      worker.signal(signal);
      await worker.ended;
      expect(waiting()).toBe(1);
      status = 200;
      const before = receiver.jsonFor('callback').length;
      await start();
      await until(() => expect(waiting()).toBe(0));
      expect(receiver.jsonFor('callback').slice(before)).toMatchObject([{ story_id: 's1', job_id: 'j1' }]);
    },
  );

  it('are kept when they are refused, and the page is notified', async () => {
    status = 422;
    const { worker } = await start();
    await publish('j1');
    await worker.line('callback failed');
    await until(() => expect(receiver.jsonFor('error-callback')).toHaveLength(1));
    expect(receiver.jsonFor('error-callback')).toMatchObject([
      { job_id: 'j1', error_details: expect.stringMatching(/^answered 422: /) as string },
    ]);
    expect(await filesIn('outbox/private/failed_callbacks')).toHaveLength(1);
  });

  it('are kept with their audio when there is no such story, unless the receiver says that it was deleted', async () => {
    status = 404;
    const { worker } = await start();
    await publish('j1');
    await worker.line('callback failed');
    await until(async () => expect(await filesIn('outbox/private/failed_callbacks')).toHaveLength(1));
    const audio = await filesIn('audio');
    expect(audio).toEqual(expect.arrayContaining([expect.stringMatching(/j1\.mp3$/) as string]));
    // In the words of our receiver.
    answer = '{"success":false,"code":"story_deleted","error":"story_id: the story \\"s1\\" was deleted"}';
    await publish('j2');
    await until(() => expect(receiver.jsonFor('callback')).toHaveLength(2));
    await until(() => expect(waiting()).toBe(0));
    expect(await filesIn('audio')).toEqual(audio);
    expect(await filesIn('outbox/private/failed_callbacks')).toHaveLength(1);
  });
});
