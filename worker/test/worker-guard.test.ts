import { randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PubSub } from '@google-cloud/pubsub';
import { createNames, ttsJobEvent } from '@taleback/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServiceStatus } from '@taleback/speech/operations';
import {
  openRecordingReceiver,
  type RecordingReceiver,
} from '../../packages/outbox/test/recording-receiver.ts';
import { isAlive } from '../../packages/speech/test/speech/open-embedded.ts';
import { startWorker, type WorkerChild } from './worker-child.ts';

let pubsub: PubSub;
let projectId: string;
let folder: string;
let receiver: RecordingReceiver;
let worker: WorkerChild | undefined;
beforeEach(async () => {
  projectId = `demo-${randomUUID().slice(0, 13)}`;
  pubsub = new PubSub({ projectId });
  folder = await mkdtemp(join(tmpdir(), 'taleback-guard-'));
  receiver = await openRecordingReceiver();
});
afterEach(async () => {
  if (worker?.isAlive() === true) worker.signal('SIGKILL');
  await worker?.ended;
  worker = undefined;
  await receiver.close();
  await pubsub.close();
  await rm(folder, { recursive: true, force: true });
});

/** Starts a worker and gives the address of its health server. */
const start = async (environment: Readonly<Record<string, string>> = {}): Promise<string> => {
  worker = startWorker({
    GOOGLE_CLOUD_PROJECT: projectId,
    AUDIO_FOLDER: folder,
    CONTROL_FILE: join(folder, 'control.env'),
    JOB_ACK_DEADLINE_SECONDS: '10',
    ...environment,
  });
  const { healthUrl } = await worker.line('worker ready');
  return String(healthUrl);
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

const until = (assertion: () => unknown, timeout = 120_000): Promise<unknown> =>
  vi.waitFor(assertion, { timeout, interval: 20 });

const statusOf = async (healthUrl: string): Promise<ServiceStatus> =>
  (await (await fetch(`${healthUrl}/health/status`)).json()) as ServiceStatus;

const failedAs = (jobId: string): string | undefined => {
  const told = receiver.jsonFor('error-callback').find((json) => json['job_id'] === jobId);
  return (told?.['metadata'] as { error_type?: string } | undefined)?.error_type;
};

const spokenJobs = (): unknown[] => receiver.jsonFor('callback').map((json) => json['job_id']);

describe('what guards the worker, in its process', () => {
  it('TTS_PROVIDER=disabled switches narration off and on again without a restart', async () => {
    const healthUrl = await start();
    await publish('j1');
    await until(() => expect(spokenJobs()).toEqual(['j1']));

    await appendFile(join(folder, 'control.env'), 'TTS_PROVIDER=disabled\n');
    await until(async () => expect((await fetch(`${healthUrl}/health/ready`)).status).toBe(503));
    await publish('j2');
    await until(() => expect(failedAs('j2')).toBe('synthesis_disabled'));
    expect(receiver.jsonFor('error-callback')[0]).toMatchObject({ metadata: { retryable: true } });

    await appendFile(join(folder, 'control.env'), 'TTS_PROVIDER=kokoro\n');
    await until(async () => expect((await fetch(`${healthUrl}/health/ready`)).status).toBe(200));
    await publish('j3');
    await until(() => expect(spokenJobs()).toEqual(['j1', 'j3']));
    expect(worker?.output()).toMatch(/"level":40.*SYSTEM PROTECTION/);
  });

  it('an overloaded machine refuses new narrations, with the reason, and says so to operators', async () => {
    const healthUrl = await start({
      SYSTEM_PROTECTION: 'on',
      MEMORY_WARNING_PERCENT: '0.001',
      MEMORY_CRITICAL_PERCENT: '0.002',
    });
    await until(async () => expect((await statusOf(healthUrl)).state).toBe('protected'));
    await publish('j1');
    await until(() => expect(failedAs('j1')).toBe('system_protection'));
    expect(worker?.output()).toMatch(/"level":50.*SYSTEM PROTECTION.*memory/);
    expect(await statusOf(healthUrl)).toMatchObject({
      ready: false,
      refusalsByType: { system_protection: 1 },
      memoryUsage: expect.any(Number) as number,
    });
  });

  it('at most as many narrations a minute as are allowed', async () => {
    await start({ REQUESTS_PER_MINUTE: '1' });
    await publish('j1');
    await until(() => expect(spokenJobs()).toEqual(['j1']));
    await publish('j2');
    await until(() => expect(failedAs('j2')).toBe('provider_rate_limited'));
  });

  it('seeds 000 and 004: tells its figures as JSON and to Prometheus', async () => {
    const healthUrl = await start();
    expect(await (await fetch(`${healthUrl}/health/live`)).json()).toEqual({ alive: true });
    await publish('j1');
    await until(() => expect(spokenJobs()).toEqual(['j1']));
    const status = await statusOf(healthUrl);
    expect(status).toMatchObject({
      state: 'ready',
      mode: 'pool',
      successRate: 1,
      queueDepth: 0,
      circuitBreakerState: 'CLOSED',
      workerHealth: [expect.any(Number)],
      activeWorkers: 1,
      requests: { accepted: 1, spoken: 1, failed: 0 },
      stories: { ready: 1, failed: 0, successRate: 1 },
      workers: [{ state: 'READY', protocol: '2.1.0', jobsDone: 1 }],
    });
    expect(status.averageLatency).toBeGreaterThan(0);
    const metrics = await (await fetch(`${healthUrl}/metrics`)).text();
    expect(metrics).toMatch(/^taleback_synthesis_seconds_count\{?.*\}? 1$/m);
    expect(metrics).toContain('taleback_stories_total{end="ready"} 1\n');
    expect(metrics).toMatch(/^taleback_workers\{.*state="ready".*\} 1$/m);
  });

  it.each([
    [{ AUDIO_FOLDER: '/proc/nowhere' }, /^taleback: configuration: AUDIO_FOLDER: ENOENT: .*$/, 2],
    [{ ENGINES: 'beep' }, /^taleback: configuration: ENGINES: must be some of .*$/, 2],
    [{ ENGINES: 'espeak-ng', PYTHON: '/nowhere/python' }, /^taleback: configuration: PYTHON: .*$/, 2],
  ])(
    'that cannot start as %j says why in its last line, without a stack',
    async (environment, words, code) => {
      worker = startWorker({ AUDIO_FOLDER: folder, GOOGLE_CLOUD_PROJECT: projectId, ...environment });
      expect(await worker.ended).toEqual({ code, signal: null });
      expect(worker.output()).toMatch(words);
      expect(worker.output()).not.toMatch(/^ {4}at /m);
    },
  );

  it('killed, it leaves no speech process behind', async () => {
    const healthUrl = await start({ SPEECH_WORKERS_MIN: '3', SPEECH_WORKERS_MAX: '3' });
    await until(async () => expect((await statusOf(healthUrl)).activeWorkers).toBe(3));
    const pids = (await statusOf(healthUrl)).workers.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    expect(pids).toHaveLength(3);
    worker?.signal('SIGKILL');
    await worker?.ended;
    await until(() => expect(pids.filter(isAlive)).toEqual([]));
  });
});
