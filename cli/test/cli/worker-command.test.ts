import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliFolder, openCliFolder } from './cli-folder.ts';
import { CLI_ARGS, runCommand } from './run-cli.ts';

let folder: CliFolder;
beforeEach(async () => {
  folder = await openCliFolder();
});
afterEach(() => folder.remove());

describe('taleback worker', { timeout: 60_000 }, () => {
  it.each([[[]], [['--restart']]])(
    '%j is the worker from then on: its signals, its exit code',
    async (args) => {
      const child = spawn(process.execPath, [...CLI_ARGS, 'worker', ...args], {
        env: {
          ...folder.env,
          RUNPOD_DEV_PORT: '0',
          HEALTH_PORT: '0',
          AUDIO_PORT: '0',
          SYSTEM_PROTECTION: 'off',
        },
        stdio: ['ignore', 'inherit', 'pipe'],
      });
      let log = '';
      child.stderr.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        if (log.includes('"worker ready"')) child.kill('SIGTERM');
      });
      expect(await once(child, 'close')).toEqual([0, null]);
      expect(log).toContain('"worker stopped"');
    },
  );

  it('says in one sentence why it could not start', async () => {
    const run = await runCommand(['worker'], { env: { ...folder.env, AUDIO_PORT: 'x' } });
    expect(run.code).toBe(2);
    expect(run.err).toMatch(/^taleback: configuration: AUDIO_PORT[^\n]*\n$/);
  });
});
