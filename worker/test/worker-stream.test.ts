import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { GRPC } from '../src/jobs/pubsub-faults.ts';
import { openPubsubServer } from './pubsub-server.ts';
import { startWorker } from './worker-child.ts';

const until = (assertion: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(assertion, { timeout: 120_000, interval: 50 });

const start = async (environment: Readonly<Record<string, string>> = {}) => {
  const server = await openPubsubServer();
  const folder = await mkdtemp(join(tmpdir(), 'taleback-stream-'));
  const worker = startWorker({
    GOOGLE_CLOUD_PROJECT: 'demo-stream',
    PUBSUB_EMULATOR_HOST: server.host,
    AUDIO_FOLDER: folder,
    CALLBACK_SECRETS: `whsec_${randomBytes(24).toString('base64')}`,
    SPEECH_WORKERS_MAX: '1',
    DRAIN_SECONDS: '1',
    CONTROL_FILE: join(folder, 'control.env'),
    ...environment,
  });
  onTestFinished(async () => {
    if (worker.isAlive()) worker.signal('SIGKILL');
    await worker.ended;
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { server, worker };
};

it('is not ready without its stream, takes jobs after it, and says so', async () => {
  const { server, worker } = await start();
  const { healthUrl } = await worker.line('worker ready');
  const get = async (path: string): Promise<{ readonly status: number; readonly body: string }> => {
    const answer = await fetch(`${String(healthUrl)}${path}`);
    return { status: answer.status, body: await answer.text() };
  };
  expect((await get('/health/ready')).status).toBe(200);
  expect((await get('/metrics')).body).toContain('taleback_stream_open{stream="jobs"} 1');

  server.refuse('StreamingPull', GRPC.PERMISSION_DENIED);
  await until(async () => expect((await get('/health/ready')).status).toBe(503));
  const { body } = await get('/health/ready');
  expect(JSON.parse(body)).toMatchObject({
    state: 'degraded',
    reasons: [expect.stringContaining('roles/pubsub.subscriber')],
  });
  const { body: metrics } = await get('/metrics');
  expect(metrics).toContain('taleback_ready 0');
  expect(metrics).toContain('taleback_stream_open{stream="jobs"} 0');
  expect(metrics).toMatch(/taleback_stream_failures_total\{stream="jobs"\} [1-9]/);
  expect(JSON.parse((await get('/health/status')).body)).toMatchObject({
    streams: { jobs: { open: false } },
  });

  server.accept('StreamingPull');
  await until(async () => expect((await get('/health/ready')).status).toBe(200));
  server.push('m1', 'no job');
  await until(() => expect(server.calls).toContain('Acknowledge'));
});

it('drains and ends with 1, in one sentence, when its stream stays dead', async () => {
  const { server, worker } = await start({ JOB_STREAM_DEAD_SECONDS: '2' });
  server.refuse('StreamingPull', GRPC.PERMISSION_DENIED);
  expect(await worker.ended).toEqual({ code: 1, signal: null });
  const { reason } = await worker.line('no jobs can come in');
  expect(reason).toBe(
    'The worker may not pull from the subscription "tts-jobs-worker": grant its account roles/pubsub.subscriber on it, and check that it exists.',
  );
  expect(worker.output()).toContain('"msg":"worker stopped"');
  expect(worker.output()).not.toContain('worker ready');
  expect(worker.output()).not.toMatch(/\bat .+:\d+:\d+|process fault/);
});
