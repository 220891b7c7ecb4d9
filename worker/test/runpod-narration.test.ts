import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startWorker, type WorkerChild } from './worker-child.ts';
import { answer, Simulator } from '../../packages/runpod-worker/test/simulator.ts';

const SENTENCE = 'The tide came up to the third step of the house, and it knew his name. ';

let folder: string;
let worker: WorkerChild | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taleback-narration-'));
});
afterEach(async () => {
  if (worker?.isAlive() === true) worker.signal('SIGKILL');
  await worker?.ended;
  worker = undefined;
  await rm(folder, { recursive: true, force: true });
});

const start = (environment: Readonly<Record<string, string>>): WorkerChild => {
  worker = startWorker({
    AUDIO_FOLDER: join(folder, 'audio'),
    SPEECH_CACHE: 'off',
    OUTBOX_FOLDER: join(folder, 'callbacks'),
    RUNPOD_OUTBOX_FOLDER: join(folder, 'runpod'),
    CONTROL_FILE: join(folder, 'control.env'),
    SPEECH_WORKERS_MAX: '1',
    ...environment,
  });
  return worker;
};

const until = (assertion: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(assertion, { timeout: 120_000, interval: 20 });

const input = (text: string): object => ({
  text,
  voice_id: 'slt',
  metadata: { story_id: 's1', user_id: 'u1', job_id: 'ours-1' },
});

const SUCCESS = {
  status: 'success',
  audio_url: expect.stringMatching(/^http.+\.mp3$/),
  storage_path: expect.stringMatching(/\.mp3$/),
  duration_ms: expect.any(Number),
  generation_time: expect.any(Number),
};

/** Jobs and results that the outbox of RunPod holds. */
const heldIn = (outboxFolder: string): number => {
  const db = new DatabaseSync(join(outboxFolder, 'outbox.db'), { readOnly: true });
  try {
    return Number(db.prepare('SELECT count(*) AS count FROM entries').get()?.['count']);
  } finally {
    db.close();
  }
};

describe('the worker behind RunPod', () => {
  it('takes a story from job-take, answers with its audio or a typed error, and ends on SIGTERM', async () => {
    const simulator = await new Simulator().open();
    try {
      const child = start({ JOB_SOURCE: 'runpod', ...simulator.env({ RUNPOD_PING_INTERVAL: '1000' }) });
      simulator.hand({ id: 'rp-1', input: input(SENTENCE) });
      simulator.hand({ id: 'rp-2', input: input('') });
      await until(() => expect(simulator.resultOf('rp-1')).toEqual({ output: SUCCESS }));
      const { audio_url: audioUrl } = (simulator.resultOf('rp-1') ?? {})['output'] as { audio_url: string };
      const audio = await fetch(audioUrl);
      expect([audio.status, audio.headers.get('content-type')]).toEqual([200, 'audio/mpeg']);

      await until(() => expect(Object.keys(simulator.resultOf('rp-2') ?? {})).toEqual(['error']));
      expect(JSON.parse(String(simulator.resultOf('rp-2')?.['error']))).toMatchObject({
        error_type: 'text_empty',
        retryable: false,
      });

      await until(() => expect(simulator.heldPolls('take')).toBe(1));
      child.signal('SIGTERM');
      await until(() => expect(child.output()).toContain('"msg":"worker stopping"'));
      simulator.script('take', answer(204));
      expect(await child.ended).toEqual({ code: 0, signal: null });
      expect(simulator.violations).toEqual([]);
      expect(simulator.on('ping').length).toBeGreaterThan(0);
      expect(heldIn(join(folder, 'runpod'))).toBe(0);
    } finally {
      await simulator.close();
    }
  });

  it('is an endpoint of its own with JOB_SOURCE=runpod-dev', async () => {
    const child = start({ JOB_SOURCE: 'runpod-dev', RUNPOD_DEV_PORT: '0', RUNPOD_DEV_API_KEY: 'KEY' });
    const { url } = await child.line('RunPod API ready');
    const call = async (path: string, body?: object): Promise<Record<string, unknown>> => {
      const answered = await fetch(`${String(url)}/v2/local${path}`, {
        headers: { authorization: 'Bearer KEY', 'content-type': 'application/json' },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      });
      return (await answered.json()) as Record<string, unknown>;
    };
    const { id, status } = await call('/run', { input: input(SENTENCE) });
    expect(status).toBe('IN_QUEUE');
    await until(async () =>
      expect(await call(`/status/${String(id)}`)).toMatchObject({ status: 'COMPLETED', output: SUCCESS }),
    );
    expect(await call('/runsync', { input: input('') })).toMatchObject({
      status: 'FAILED',
      error: expect.stringContaining('"error_type":"text_empty"'),
    });
    expect((await fetch(`${String(url)}/health`)).status).toBe(401);
    child.signal('SIGTERM');
    expect(await child.ended).toEqual({ code: 0, signal: null });
  });

  it('does not begin without what RunPod sets, and names it', async () => {
    const child = start({ JOB_SOURCE: 'runpod' });
    expect((await child.ended).code).not.toBe(0);
    expect(child.output()).toContain('RUNPOD_WEBHOOK_GET_JOB');
  });
});
