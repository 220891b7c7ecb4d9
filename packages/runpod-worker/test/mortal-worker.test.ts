import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeathPoint } from './mortal-child.ts';
import { answer, Simulator } from './simulator.ts';

const CHILD = fileURLToPath(new URL('./mortal-child.ts', import.meta.url));

let simulator: Simulator;
let folder: string;
const children: Child[] = [];

interface Child {
  readonly process: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

beforeEach(async () => {
  simulator = await new Simulator().open();
  folder = await mkdtemp(join(tmpdir(), 'taleback-mortal-'));
});
afterEach(async () => {
  const living = children.splice(0);
  for (const child of living) child.process.kill('SIGKILL');
  await Promise.all(living.map(({ ended }) => ended));
  await simulator.close();
  await rm(folder, { recursive: true, force: true });
});

const start = (dieAt?: DeathPoint): Child => {
  const child = spawn(process.execPath, ['--conditions=@taleback/source', CHILD], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      OUTBOX: folder,
      ...(dieAt === undefined ? {} : { DIE_AT: dieAt }),
      ...simulator.env(),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
  }
  const ended = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }));
  const started = { process: child, output: () => output, ended };
  children.push(started);
  return started;
};

const until = (assertion: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(assertion, { timeout: 120_000, interval: 10 });

const KILLED = { code: null, signal: 'SIGKILL' };
const JOB = { id: 'j1', input: 'once upon' };

/** Jobs and results in the outbox. */
const kept = (): number => {
  const db = new DatabaseSync(join(folder, 'outbox.db'), { readOnly: true, timeout: 5_000 });
  try {
    return Number(db.prepare('SELECT count(*) AS count FROM entries').get()?.['count']);
  } finally {
    db.close();
  }
};
const setAside = async (): Promise<string[]> =>
  (await readdir(join(folder, 'set-aside')).catch(() => [])).filter((name) => name.endsWith('.json'));

describe('a worker that is killed', () => {
  it.each(['taken', 'keeping', 'kept'] as const)('at "%s" loses nothing', async (point) => {
    simulator.hand(JOB);
    expect(await start(point).ended).toEqual(KILLED);
    expect(simulator.resultOf('j1')).toBeUndefined();
    expect(kept()).toBe(1);
    const second = start();
    await until(() => expect(simulator.resultOf('j1')).toMatchObject({ output: { said: 'once upon' } }));
    expect(second.output().includes('running j1')).toBe(point !== 'kept');
    await until(() => expect(kept()).toBe(0));
    expect(simulator.violations).toEqual([]);
  });

  it('while it posts, posts again', async () => {
    simulator.script('done', { kind: 'hang' });
    simulator.hand(JOB);
    const first = start();
    await until(() => expect(simulator.on('done')).toHaveLength(1));
    first.process.kill('SIGKILL');
    expect(await first.ended).toEqual(KILLED);
    start();
    await until(() => expect(simulator.resultOf('j1')).toMatchObject({ output: { said: 'once upon' } }));
    expect(simulator.on('done').map(({ json }) => json)).toEqual([
      simulator.resultOf('j1'),
      simulator.resultOf('j1'),
    ]);
  });

  it('after the platform accepted, posts once more at worst, and sets the refused copy aside', async () => {
    simulator.hand(JOB);
    expect(await start('accepted').ended).toEqual(KILLED);
    const result = simulator.resultOf('j1');
    expect(result).toMatchObject({ output: { said: 'once upon' } });
    start();
    await until(async () => expect(await setAside()).toHaveLength(1));
    await until(() => expect(kept()).toBe(0));
    expect(simulator.resultOf('j1')).toBe(result);
  });

  it('by the same job twice answers with an error, and serves the next job', async () => {
    simulator.hand({ id: 'j1', input: 'hang' });
    for (let run = 1; run <= 2; run += 1) {
      const child = start();
      await until(() => expect(child.output()).toContain('running j1'));
      child.process.kill('SIGKILL');
      await child.ended;
    }
    simulator.hand({ id: 'j2', input: 'next' });
    start();
    await until(() => expect(simulator.resultOf('j2')).toBeDefined());
    await until(() =>
      expect(simulator.resultOf('j1')).toEqual({ error: 'The worker was lost while it did the job.' }),
    );
  });

  it('leaves its results to one of two that share the folder', async () => {
    simulator.hand(JOB);
    expect(await start('kept').ended).toEqual(KILLED);
    const pair = [start(), start()];
    for (const { output } of pair) await until(() => expect(output()).toContain('serving'));
    await until(() => expect(simulator.resultOf('j1')).toBeDefined());
    await until(() => expect(kept()).toBe(0));
    expect(simulator.on('done')).toHaveLength(1);
    expect(simulator.violations).toEqual([]);
  });

  it('ends with 0 on SIGTERM, after the job and its result', async () => {
    simulator.script('done', answer(503));
    simulator.hand(JOB);
    const child = start();
    await until(() => expect(simulator.on('done')).toHaveLength(1));
    child.process.kill('SIGTERM');
    await until(() => expect(simulator.resultOf('j1')).toBeDefined());
    simulator.script('take', answer(204));
    expect(await child.ended).toEqual({ code: 0, signal: null });
    expect(kept()).toBe(0);
    expect(await setAside()).toEqual([]);
  });
});
