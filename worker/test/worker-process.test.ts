import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PubSub } from '@google-cloud/pubsub';
import {
  createNames,
  parseHeartbeat,
  parseProgress,
  parseSuccessCallback,
  ttsJobEvent,
} from '@taleback/core';
import { verifyStandard } from '@taleback/core/signatures';
import { MPEGDecoder } from 'mpg123-decoder';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  openRecordingReceiver,
  type RecordingReceiver,
} from '../../packages/outbox/test/recording-receiver.ts';
import packageJson from '../package.json' with { type: 'json' };
import { startWorker, type WorkerChild } from './worker-child.ts';

const KEY = randomBytes(24);
const SECRET = KEY.toString('base64');
const SENTENCE = 'The tide came up to the third step of the house, and it knew his name. ';
/** Takes a worker of one speech process a second or more, with time to be stopped in it. */
const LONG_STORY = SENTENCE.repeat(16);

let pubsub: PubSub;
let projectId: string;
let folder: string;
let receiver: RecordingReceiver;
const workers: WorkerChild[] = [];
beforeEach(async () => {
  projectId = `demo-${randomUUID().slice(0, 13)}`;
  pubsub = new PubSub({ projectId });
  folder = await mkdtemp(join(tmpdir(), 'taleback-worker-'));
  receiver = await openRecordingReceiver();
});
afterEach(async () => {
  const living = workers.splice(0).filter((worker) => worker.isAlive());
  for (const worker of living) worker.signal('SIGKILL');
  await Promise.all(living.map((worker) => worker.ended));
  await receiver.close();
  await pubsub.close();
  await rm(folder, { recursive: true, force: true });
});

const start = (environment: Readonly<Record<string, string>> = {}): WorkerChild => {
  const worker = startWorker({
    GOOGLE_CLOUD_PROJECT: projectId,
    AUDIO_FOLDER: folder,
    CALLBACK_SECRETS: `whsec_${SECRET}`,
    JOB_ACK_DEADLINE_SECONDS: '10',
    SPEECH_WORKERS_MAX: '1',
    CONTROL_FILE: join(folder, 'control.env'),
    ...environment,
  });
  workers.push(worker);
  return worker;
};

const publish = (jobId: string, text: string): Promise<string> =>
  pubsub.topic(createNames().topics.jobs).publishMessage({
    json: ttsJobEvent({
      jobId,
      attempt: 1,
      storyId: 's1',
      userId: 'u1',
      text,
      voiceId: 'slt',
      voiceName: undefined,
      title: 'The Tide',
      language: 'en',
      storyType: 'user',
      callbackUrl: receiver.callbackUrl,
    }),
  });

const until = (assertion: () => void, timeout = 40_000): Promise<void> =>
  vi.waitFor(assertion, { timeout, interval: 10 });

const untilSpeaking = (): Promise<void> =>
  until(() => expect(receiver.jsonFor('progress').map(({ stage }) => stage)).toContain('synthesizing'));

const decode = async (mp3: Uint8Array) => {
  const decoder = new MPEGDecoder();
  await decoder.ready;
  const { channelData, sampleRate, samplesDecoded, errors } = decoder.decode(mp3);
  decoder.free();
  const loudest = channelData[0]?.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0) ?? 0;
  return { errors, loudest, durationMs: (samplesDecoded * 1000) / sampleRate };
};

describe('the worker as a process', () => {
  it('reports its version and engines to the heartbeat of the receiver', async () => {
    start({ HEARTBEAT_URL: `${receiver.url}/api/tts/heartbeat` });
    await until(() => expect(receiver.jsonFor('heartbeat')).not.toHaveLength(0));
    const heartbeat = parseHeartbeat(receiver.jsonFor('heartbeat')[0]);
    expect(heartbeat).toMatchObject({
      ok: true,
      value: { version: packageJson.version, engines: [{ name: 'flite' }] },
    });
  });

  it('turns a published job into progress, a signed success callback, and audio that plays', async () => {
    const worker = start({ WORKER_ID: 'worker-under-test' });
    const { audioUrl } = await worker.line('worker ready');
    await publish('j1', SENTENCE.repeat(3));
    await until(() => expect(receiver.jsonFor('callback')).toHaveLength(1));

    for (const { headers, body } of receiver.requests) {
      expect(verifyStandard(headers, body, [KEY], Date.now())).toMatchObject({ ok: true });
    }
    const progress = receiver.jsonFor('progress');
    expect(progress.length).toBeGreaterThan(0);
    for (const json of progress) {
      expect(parseProgress(json)).toMatchObject({ ok: true, value: { storyId: 's1', jobId: 'j1' } });
    }
    expect(receiver.requests.at(-1)?.path).toBe('/api/tts/callback');
    const told = parseSuccessCallback(receiver.jsonFor('callback')[0]);
    if (!told.ok) throw new Error(told.sentence);
    const key = 'private/users/u1/stories/audio/en/s1/j1.mp3';
    expect(told.value).toMatchObject({
      storyId: 's1',
      jobId: 'j1',
      userId: 'u1',
      voiceId: 'slt',
      language: 'en',
      storagePath: key,
      audioUrl: `${String(audioUrl)}/${key}`,
      metadata: { attempt: 1, worker_id: 'worker-under-test', engine: 'flite' },
    });

    const whole = await fetch(told.value.audioUrl ?? '');
    expect([whole.status, whole.headers.get('content-type')]).toEqual([200, 'audio/mpeg']);
    const mp3 = new Uint8Array(await whole.arrayBuffer());
    expect(mp3.byteLength).toBe(told.value.metadata?.['size_bytes']);
    const part = await fetch(told.value.audioUrl ?? '', { headers: { range: 'bytes=1000-1999' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([
      206,
      `bytes 1000-1999/${mp3.byteLength}`,
    ]);
    expect(Buffer.from(await part.arrayBuffer()).equals(mp3.subarray(1_000, 2_000))).toBe(true);

    const played = await decode(mp3);
    expect(played.errors).toEqual([]);
    expect(played.loudest).toBeGreaterThan(0.1);
    expect(Math.abs(played.durationMs - (told.value.durationMs ?? 0))).toBeLessThan(200);
    expect(played.durationMs).toBeGreaterThan(8_000);
    expect(played.durationMs).toBeLessThan(25_000);
    expect((await readdir(join(folder, key, '..'))).sort()).toEqual(['j1.mp3', 'j1.mp3.json']);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s finishes the job under way, then ends with 0 and leaves no process',
    async (name) => {
      const worker = start({ DRAIN_SECONDS: '60' });
      await worker.line('worker ready');
      await publish('j1', LONG_STORY);
      await untilSpeaking();
      worker.signal(name);
      expect(receiver.jsonFor('callback')).toEqual([]);
      expect(await worker.ended).toEqual({ code: 0, signal: null });
      expect(receiver.jsonFor('callback')).toMatchObject([{ story_id: 's1', job_id: 'j1' }]);
      expect(receiver.jsonFor('error-callback')).toEqual([]);
      expect(worker.isAlive()).toBe(false);
      expect(worker.output()).toContain('"msg":"worker stopped"');
    },
  );

  it('gives a job back that it may not finish, without a word to the receiver', async () => {
    // Pub/Sub alone would wait for ten minutes.
    const worker = start({ DRAIN_SECONDS: '0', JOB_ACK_DEADLINE_SECONDS: '600' });
    await worker.line('worker ready');
    await publish('j1', LONG_STORY);
    await untilSpeaking();
    worker.signal('SIGTERM');
    expect(await worker.ended).toEqual({ code: 0, signal: null });
    expect([...receiver.jsonFor('callback'), ...receiver.jsonFor('error-callback')]).toEqual([]);
    const seen = receiver.requests.length;
    await start().line('worker ready');
    await until(() => expect(receiver.requests.length).toBeGreaterThan(seen));
    await until(() => expect(receiver.jsonFor('callback')).toMatchObject([{ job_id: 'j1' }]));
  });

  it('killed in the middle of a job, loses nothing: another worker makes the audio', async () => {
    const killed = start();
    await killed.line('worker ready');
    await publish('j1', LONG_STORY);
    await untilSpeaking();
    killed.signal('SIGKILL');
    expect(await killed.ended).toEqual({ code: null, signal: 'SIGKILL' });
    expect(receiver.jsonFor('callback')).toEqual([]);
    expect(killed.isAlive()).toBe(false);

    await start().line('worker ready');
    await until(() => expect(receiver.jsonFor('callback')).toMatchObject([{ job_id: 'j1' }]), 60_000);
    const { audio_url: audioUrl, duration_ms: durationMs } = receiver.jsonFor('callback')[0] ?? {};
    const played = await decode(new Uint8Array(await (await fetch(String(audioUrl))).arrayBuffer()));
    expect(played.errors).toEqual([]);
    expect(Math.abs(played.durationMs - Number(durationMs))).toBeLessThan(200);
    expect(receiver.jsonFor('error-callback')).toEqual([]);
  });

  it('does not begin with a configuration that is wrong, and says which variable is', async () => {
    const worker = start({ LOG_LEVEL: 'loud', CALLBACK_SECRETS: 'whsec_c2hvcnQ' });
    expect((await worker.ended).code).toBe(2);
    expect(worker.output()).toMatch(/configuration: CALLBACK_SECRETS: .+; LOG_LEVEL: /);
    expect(worker.output()).not.toContain('c2hvcnQ');
  });
});
