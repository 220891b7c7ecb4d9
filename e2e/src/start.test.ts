import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const runner = join(root, 'scripts/run.mjs');
const START_MS = 600_000;
/** The guardian leaves last, a moment after the script itself. */
const LEAVING = { timeout: 60_000 };

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly stdout: () => string;
  /** Processes that carry the mark which every child inherits. */
  readonly descendants: () => number[];
}

const start = (
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  command: readonly string[] = [process.execPath, runner, 'start'],
): Started => {
  const mark = `TALEBACK_TEST_MARK=${randomUUID()}`;
  const [name, value] = mark.split('=') as [string, string];
  const [program = '', ...before] = command;
  const { FIRESTORE_EMULATOR_HOST: _f, PUBSUB_EMULATOR_HOST: _p, ...inherited } = process.env;
  const child = spawn(program, [...before, ...args], {
    cwd: root,
    env: { ...inherited, ...env, [name]: value },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const carriesMark = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark);
    } catch {
      return false;
    }
  };
  return {
    child,
    output: () => output,
    stdout: () => stdout,
    descendants: () =>
      readdirSync('/proc')
        .filter((entry) => /^\d+$/.test(entry) && carriesMark(entry))
        .map(Number),
  };
};

/** Takes a port; one that is taken already is just as good. */
const occupy = (port: number): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(server));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });

describe('npm start', () => {
  it(
    'with --once --json narrates, breaks, mends and leaves, with one JSON object as its last line',
    async () => {
      const { child, stdout, output, descendants } = start(['--once', '--json', '--no-build']);
      const [code] = (await once(child, 'close')) as [number];
      expect(code, output()).toBe(0);
      expect(JSON.parse(stdout().trim().split('\n').at(-1) ?? '')).toEqual({
        stories: [
          { id: expect.any(String), status: 'ready', millis: expect.any(Number), attempts: 1 },
          { id: expect.any(String), status: 'ready', millis: expect.any(Number), attempts: 2 },
        ],
        callbacks: { success: 2, error: 1 },
      });
      await expect.poll(descendants, LEAVING).toEqual([]);
    },
    START_MS,
  );

  it('with --once --json ends with 1 and a sentence when it fails', async () => {
    // Without Java there are no emulators.
    const { child, stdout, output } = start(['--once', '--json', '--no-build'], { PATH: '/nowhere' });
    const [code] = (await once(child, 'close')) as [number];
    expect(code, output()).toBe(1);
    const { error } = JSON.parse(stdout()) as { error: string };
    expect(error).toMatch(/Java/);
    expect(output().trim().split('\n')).toContain(error);
  });

  it(
    'stays up until it is interrupted, although its tour fails and its ports are taken, and leaves no process behind',
    async () => {
      const taken = await Promise.all([5000, 5001, 8080, 8085, 8787].map(occupy));
      const { child, stdout, output, descendants } = start(['--no-build', '--json'], {
        TTS_PROVIDER: 'disabled',
      });
      await expect.poll(output, { timeout: START_MS, interval: 250 }).toContain('Ctrl-C stops everything');
      const { error } = JSON.parse(stdout()) as { error: string };
      expect(error).toMatch(/^The tour stopped.*"The Fox and the Grapes"/);
      expect(output()).toContain(`${error}. The stack runs on, and the page can be used.`);
      const page = /The page\s+(http\S+)/.exec(output())?.[1] ?? '';
      expect((await fetch(page)).status).toBe(200);
      expect(descendants().length).toBeGreaterThan(3);
      child.kill('SIGINT');
      for (const server of taken) server.close();
      const [code] = (await once(child, 'close')) as [number];
      expect(code, output()).toBe(0);
      await expect.poll(descendants, LEAVING).toEqual([]);
    },
    START_MS,
  );

  it(
    'leaves no process behind even when it is killed with -9',
    async () => {
      const { child, output, descendants } = start(['--no-build']);
      await expect.poll(output, { timeout: START_MS, interval: 250 }).toContain('firestore is up');
      child.kill('SIGKILL');
      await once(child, 'close');
      await expect.poll(descendants, LEAVING).toEqual([]);
    },
    START_MS,
  );

  it(
    'ends with npm, when only npm is asked to end',
    async () => {
      const { child, output, descendants } = start(['--', '--no-build'], {}, ['npm', 'start', '--silent']);
      await expect.poll(output, { timeout: START_MS, interval: 250 }).toContain('firestore is up');
      child.kill('SIGTERM');
      await once(child, 'exit');
      await expect.poll(descendants, LEAVING).toEqual([]);
    },
    START_MS,
  );
});
