import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, vi } from 'vitest';
import { openRecordingReceiver } from '../../packages/outbox/test/recording-receiver.ts';
import { jsonAnswer } from '../../packages/speech/test/engines/simulators/http-simulator.ts';
import { openKokoroServer } from '../../packages/speech/test/engines/simulators/kokoro-server.ts';
import type { ServiceStatus } from '@taleback/speech/operations';
import { startWorker } from './worker-child.ts';

const SPEECH = '/v1/audio/speech';
const until = (assertion: () => unknown): Promise<unknown> =>
  vi.waitFor(assertion, { timeout: 120_000, interval: 20 });

it("an operator's grep commands find what they look for in a worker's log", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-log-'));
  const kokoro = await openKokoroServer({ port: 0 });
  let isAway = true;
  const receiver = await openRecordingReceiver(({ path }) => {
    if (!path.endsWith('/error-callback') || !isAway) return { status: 200 };
    isAway = false;
    return { status: 503 };
  });
  const worker = startWorker({
    AUDIO_FOLDER: join(folder, 'audio'),
    CONTROL_FILE: join(folder, 'control.env'),
    JOB_SOURCE: 'runpod-dev',
    RUNPOD_DEV_PORT: '0',
    RUNPOD_OUTBOX_FOLDER: join(folder, 'runpod'),
    ENGINES: 'kokoro',
    KOKORO_URL: kokoro.baseUrl,
    KOKORO_RETRIES: '0',
    // Long enough for a story to be turned away.
    KOKORO_BREAKER_COOLDOWN_SECONDS: '5',
    VOICES_TRIED: '1',
  });
  /** Runs the command on the log, as an operator does. */
  const grep = async (...args: readonly string[]): Promise<string[]> => {
    const file = join(folder, 'session_1.log');
    await writeFile(file, worker.output());
    const { stdout } = await promisify(execFile)('grep', [...args, file]).catch(() => ({ stdout: '' }));
    return stdout.split('\n').filter((line) => line !== '');
  };
  const messages = async (...args: readonly string[]): Promise<(readonly [unknown, unknown])[]> =>
    (await grep(...args)).map((line) => {
      const { level, msg } = JSON.parse(line) as { level: unknown; msg: unknown };
      return [level, msg] as const;
    });
  try {
    const { url } = await worker.line('RunPod API ready');
    const send = async (id: string): Promise<void> => {
      const input = {
        text: 'The tide came up.',
        story_id: id,
        job_id: id,
        callback_url: receiver.callbackUrl,
      };
      await fetch(`${String(url)}/run`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ input: { ...input, voice_id: 'af_heart' } }),
      });
    };
    await worker.line('worker ready');
    // Five stories open the breaker, which turns the next one away.
    kokoro.script(SPEECH, ...Array.from({ length: 5 }, () => jsonAnswer(500, {})));
    for (const id of ['s1', 's2', 's3', 's4', 's5']) await send(id);
    await worker.line('CIRCUIT BREAKER kokoro: circuit breaker opened: too many failures');
    await send('s6');
    await worker.line('CIRCUIT BREAKER kokoro: OPEN, request rejected');
    // Two stories are the trials that close it.
    const { healthUrl } = await worker.line('worker ready');
    await until(async () => {
      const status = (await (await fetch(`${String(healthUrl)}/health/status`)).json()) as ServiceStatus;
      expect(status.workers).toMatchObject([{ breaker: 'HALF_OPEN', lastFailure: { code: 'model_failed' } }]);
    });
    await send('s7');
    await send('s8');
    await until(async () => expect(await grep('Circuit closed, service is working')).toHaveLength(1));
    await writeFile(join(folder, 'control.env'), 'TTS_PROVIDER=disabled\n');
    await until(async () => {
      await send('s9');
      expect(await grep('SYSTEM PROTECTION: request rejected')).not.toHaveLength(0);
    });

    expect(await messages('CIRCUIT BREAKER')).toEqual([
      [50, 'CIRCUIT BREAKER kokoro: circuit breaker opened: too many failures'],
      [40, 'CIRCUIT BREAKER kokoro: OPEN, request rejected'],
      [40, 'CIRCUIT BREAKER kokoro: testing whether it is back'],
      [40, 'CIRCUIT BREAKER kokoro: Circuit closed, service is working'],
    ]);
    expect((await messages('SYSTEM PROTECTION')).map(([level]) => level)).not.toContain(30);
    expect((await grep('-i', 'protection\\|circuit\\|health')).length).toBeGreaterThan(5);
    expect(await grep('circuit breaker opened')).toHaveLength(1);
    await until(async () => expect(await grep('error callback sent')).not.toHaveLength(0));
    expect(await messages('error callback')).toEqual(
      expect.arrayContaining([
        [40, 'error callback retried later'],
        [30, 'error callback sent'],
      ]),
    );
    expect((await messages('engine diagnosed')).length).toBeGreaterThan(0);
    expect(await grep('TTS circuit breaker is OPEN')).not.toHaveLength(0);
  } finally {
    worker.signal('SIGKILL');
    await worker.ended;
    await Promise.all([receiver.close(), kokoro.close(), rm(folder, { recursive: true, force: true })]);
  }
});
