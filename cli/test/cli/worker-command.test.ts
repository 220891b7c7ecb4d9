import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliFolder, openCliFolder } from './cli-folder.ts';
import { CLI_ARGS, runCommand } from './run-cli.ts';

let folder: CliFolder;
beforeEach(async () => {
  folder = await openCliFolder();
});
afterEach(() => folder.remove());

const ANY_PORTS = { RUNPOD_DEV_PORT: '0', HEALTH_PORT: '0', AUDIO_PORT: '0', SYSTEM_PROTECTION: 'off' };
const LONG = { timeout: 90_000, interval: 100 };

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('taleback worker', () => {
  it.each([[[]], [['--restart']]])(
    '%j is the worker from then on: its signals, its exit code',
    async (args) => {
      const child = spawn(process.execPath, [...CLI_ARGS, 'worker', ...args], {
        env: { ...folder.env, ...ANY_PORTS },
        stdio: ['ignore', 'inherit', 'pipe'],
      });
      let log = '';
      child.stderr.on('data', (chunk: Buffer) => {
        const wasReady = log.includes('"worker ready"');
        log += chunk.toString();
        if (!wasReady && log.includes('"worker ready"')) child.kill('SIGTERM');
      });
      expect(await once(child, 'close')).toEqual([0, null]);
      expect(log).toContain('"worker stopped"');
    },
  );

  it('with --restart comes back after a crash under the same name, and does not outlive a kill -9', async () => {
    const parent = spawn(process.execPath, [...CLI_ARGS, 'worker', '--restart'], {
      env: { ...folder.env, ...ANY_PORTS },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    parent.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    const names = (): unknown[] =>
      log
        .split('\n')
        .filter((line) => line.includes('"worker ready"'))
        .map((line) => (JSON.parse(line) as { workerId: unknown }).workerId);
    const workerPid = async (): Promise<number> =>
      Number(await readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8'));
    const name = `${hostname()}-${parent.pid}`;

    await expect.poll(names, LONG).toEqual([name]);
    const first = await workerPid();
    process.kill(first, 'SIGKILL');
    await expect.poll(names, LONG).toEqual([name, name]);
    expect(log).toMatch(/taleback: the worker ended with SIGKILL; starting it again in \d+ ms\n/);
    const second = await workerPid();
    expect(second).not.toBe(first);

    parent.kill('SIGKILL');
    await expect.poll(() => isAlive(second), LONG).toBe(false);
    expect(log).toContain('"worker stopped"');
  });

  it('says in one sentence why it could not start', async () => {
    const run = await runCommand(['worker'], { env: { ...folder.env, AUDIO_PORT: 'x' } });
    expect(run.code).toBe(2);
    expect(run.err).toMatch(/^taleback: configuration: AUDIO_PORT[^\n]*\n$/);
  });
});
