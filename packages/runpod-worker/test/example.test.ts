import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { answer, Simulator } from './simulator.ts';

const EXAMPLE = fileURLToPath(new URL('../examples/runpod-echo.ts', import.meta.url));

const until = (assertion: () => void): Promise<void> =>
  vi.waitFor(assertion, { timeout: 120_000, interval: 10 });

it('the example serves RunPod as it stands', async () => {
  const simulator = await new Simulator().open();
  const folder = await mkdtemp(join(tmpdir(), 'taleback-example-'));
  const child = spawn(process.execPath, ['--conditions=@taleback/source', EXAMPLE], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      ...simulator.env(),
    },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  try {
    simulator.hand({ id: 'j1', input: { text: 'hello' } });
    await until(() => expect(simulator.resultOf('j1')).toEqual({ output: { echo: { text: 'hello' } } }));
    expect(simulator.on('done').map(({ json }) => json)).toEqual([
      { status: 'IN_PROGRESS', output: { percent: 50 } },
      { output: { echo: { text: 'hello' } } },
    ]);
    await until(() => expect(simulator.heldPolls('take')).toBe(1));
    child.kill('SIGTERM');
    simulator.script('take', answer(204));
    expect(await ended).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  }
});
