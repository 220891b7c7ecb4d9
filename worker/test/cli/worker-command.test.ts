import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltCli, buildCli } from './build-cli.ts';
import { runBuiltCli } from './run-cli.ts';

/** Where the built worker lies; what it does is tested elsewhere, here it says that it was started. */
const RUNS = `const life = setInterval(() => {}, 1_000);
process.on('SIGTERM', () => { clearInterval(life); process.exitCode = 7; });
process.stdout.write('runs\\n');`;
const ENDS = `process.stdout.write('supervised\\n'); process.exitCode = 3;`;
const BREAKS = `await Promise.reject(new Error('listen EADDRINUSE: 127.0.0.1:9464'));`;

let cli: BuiltCli;
beforeAll(async () => {
  cli = await buildCli();
});
afterAll(() => cli.remove());

const place = (name: string, text: string): Promise<void> => writeFile(join(dirname(cli.file), name), text);

describe('taleback worker', () => {
  it('is the worker from then on: its signals, its exit code', async () => {
    await place('main.js', RUNS);
    const child = spawn(process.execPath, [cli.file, 'worker'], {
      env: {},
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [first] = (await once(child.stdout, 'data')) as [Buffer];
    expect(first.toString()).toBe('runs\n');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([7, null]);
  });

  it('runs under its supervisor when it is asked to', async () => {
    await place('supervisor.js', ENDS);
    const run = await runBuiltCli(['worker', '--supervise'], { file: cli.file });
    expect(run).toMatchObject({ code: 3, out: 'supervised\n', err: '' });
  });

  it('says in one sentence why it could not start', async () => {
    await place('main.js', BREAKS);
    const run = await runBuiltCli(['worker'], { file: cli.file });
    expect(run).toMatchObject({ code: 1, err: 'taleback: listen EADDRINUSE: 127.0.0.1:9464\n' });
  });
});
