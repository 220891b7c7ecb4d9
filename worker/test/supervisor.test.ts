import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  buildSupervisorFolder,
  type SupervisorFolder,
  type SupervisorProcess,
  startSupervisor,
} from './supervisor-process.ts';

let folder: SupervisorFolder;
beforeAll(async () => {
  folder = await buildSupervisorFolder();
});
afterAll(() => folder.remove());

let scratch: string;
let started: SupervisorProcess[] = [];
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'taleback-supervisor-'));
});
afterEach(async () => {
  for (const { signalGroup } of started) {
    try {
      signalGroup('SIGKILL');
    } catch {
      // It is gone, as it should be.
    }
  }
  await Promise.all(started.map(({ ended }) => ended));
  started = [];
  await rm(scratch, { recursive: true, force: true });
});

const start = (
  environment: Readonly<Record<string, string | undefined>> = {},
  path = folder.path,
): SupervisorProcess => {
  const supervisor = startSupervisor(path, { RUNS_FILE: join(scratch, 'runs'), ...environment });
  started.push(supervisor);
  return supervisor;
};

const messages = ({ lines }: SupervisorProcess): string[] => lines.map(({ msg }) => msg);

describe('the supervisor, with real processes', { timeout: 60_000 }, () => {
  it('starts a child again that crashes, later each time, until it works', async () => {
    const supervisor = start({ CRASHES: '2' });
    expect(await supervisor.line('child up', 3)).toMatchObject({ run: 3 });
    expect(await supervisor.line('worker starts again', 1)).toMatchObject({ delayMs: 500 });
    expect(await supervisor.line('worker starts again', 2)).toMatchObject({ delayMs: 1_000 });
    expect(await supervisor.line('worker ended')).toMatchObject({ end: { kind: 'exited', code: 7 } });
    supervisor.signal('SIGTERM');
    expect(await supervisor.ended).toEqual({ code: 0, signal: null });
    expect(messages(supervisor).filter((msg) => msg === 'child up')).toHaveLength(3);
  });

  it('seed 004: recovery time: a child that is killed is back within five seconds', async () => {
    const supervisor = start();
    const first = await supervisor.line('child up');
    const killedAt = performance.now();
    process.kill(Number(first['pid']), 'SIGKILL');
    const second = await supervisor.line('child up', 2);
    expect(performance.now() - killedAt).toBeLessThan(5_000);
    expect(second['pid']).not.toBe(first['pid']);
    expect(await supervisor.line('worker ended')).toMatchObject({
      end: { kind: 'killed', signal: 'SIGKILL' },
    });
  });

  it('seed 000: a rejection that nobody handles ends the child in order, and another takes its place', async () => {
    const supervisor = start({ REJECTS: '1' });
    await supervisor.line('child up', 2);
    expect(await supervisor.line('process fault')).toMatchObject({
      run: 1,
      origin: 'unhandledRejection',
      error: { name: 'Error', message: 'nobody cares' },
    });
    expect(messages(supervisor)).toEqual(expect.arrayContaining(['counted process-fault', 'drained']));
    expect(await supervisor.line('worker ended')).toMatchObject({ end: { kind: 'exited', code: 1 } });
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'passes %s on once, waits, ends with 0 and leaves nothing',
    async (name) => {
      const supervisor = start();
      await supervisor.line('child up');
      supervisor.signal(name);
      supervisor.signal(name);
      expect(await supervisor.ended).toEqual({ code: 0, signal: null });
      expect(messages(supervisor).filter((msg) => msg === name)).toHaveLength(1);
      expect(() => process.kill(-supervisor.pid, 0)).toThrow('ESRCH');
    },
  );

  it('ends in order when a terminal signals the whole group', async () => {
    const supervisor = start();
    await supervisor.line('child up');
    supervisor.signalGroup('SIGINT');
    expect(await supervisor.ended).toEqual({ code: 0, signal: null });
    expect(messages(supervisor)).not.toContain('worker starts again');
  });

  it('told to stop between two children, ends at once', async () => {
    const supervisor = start({ CRASHES: '1000' });
    await supervisor.line('worker starts again', 3); // for two seconds
    supervisor.signal('SIGTERM');
    expect(await supervisor.ended).toEqual({ code: 0, signal: null });
    expect(messages(supervisor).filter((msg) => msg === 'child up')).toHaveLength(3);
  });

  it('ends with what a child that was told to stop ends with', async () => {
    const supervisor = start({ ENDS_WITH: '5' });
    await supervisor.line('child up');
    supervisor.signal('SIGTERM');
    expect(await supervisor.ended).toEqual({ code: 5, signal: null });
  });

  it('is done when the child is', async () => {
    const supervisor = start({ ENDS_BY_ITSELF: '1' });
    expect(await supervisor.ended).toEqual({ code: 0, signal: null });
    expect(messages(supervisor).sort()).toEqual(['child up', 'done', 'worker ended', 'worker started']);
  });

  it('killed itself, leaves no orphan', async () => {
    const supervisor = start();
    await supervisor.line('child up');
    const killedAt = performance.now();
    supervisor.signal('SIGKILL');
    expect(await supervisor.ended).toEqual({ code: null, signal: 'SIGKILL' });
    // The output has ended, so whoever could write to it is gone.
    expect(messages(supervisor)).toContain('supervisor gone');
    expect(performance.now() - killedAt).toBeLessThan(5_000);
  });

  it('does not begin with a configuration that is wrong', async () => {
    const supervisor = start({ LOG_LEVEL: 'loud' });
    expect(await supervisor.ended).toEqual({ code: 1, signal: null });
    expect(supervisor.output()).toMatch(/configuration: LOG_LEVEL: /);
    expect(messages(supervisor)).not.toContain('child up');
  });
});

/** The supervisor of the build, with the worker beside it. */
const startWorker = (): SupervisorProcess =>
  start(
    {
      PUBSUB_EMULATOR_HOST: process.env['PUBSUB_EMULATOR_HOST'],
      METADATA_SERVER_DETECTION: 'none',
      GCE_METADATA_HOST: '127.0.0.1:9',
      GOOGLE_CLOUD_PROJECT: `demo-${randomUUID().slice(0, 13)}`,
      AUDIO_FOLDER: scratch,
      AUDIO_PORT: '0',
      HEALTH_PORT: '0',
      // Other tests may load the machine.
      SYSTEM_PROTECTION: 'off',
      CONTROL_FILE: join(scratch, 'control.env'),
      SPEECH_WORKERS_MAX: '1',
    },
    fileURLToPath(new URL('../dist', import.meta.url)),
  );

describe('the supervisor, with the worker itself', { timeout: 60_000 }, () => {
  it('brings it back when it is killed, ready for work, and drains it on SIGTERM', async () => {
    const supervisor = startWorker();
    await supervisor.line('worker ready');
    const { childPid } = await supervisor.line('worker started');
    process.kill(Number(childPid), 'SIGKILL');
    const { healthUrl } = await supervisor.line('worker ready', 2);
    const answer = await fetch(`${String(healthUrl)}/health/ready`);
    expect([answer.status, await answer.json()]).toEqual([200, { ready: true, state: 'ready', reasons: [] }]);
    supervisor.signal('SIGTERM');
    expect(await supervisor.ended).toEqual({ code: 0, signal: null });
    expect(messages(supervisor)).toContain('worker stopped');
  });

  it('killed itself, leaves a worker that drains and is gone', async () => {
    const supervisor = startWorker();
    await supervisor.line('worker ready');
    supervisor.signal('SIGKILL');
    expect(await supervisor.ended).toEqual({ code: null, signal: 'SIGKILL' });
    expect(messages(supervisor)).toContain('worker stopped');
  });
});
