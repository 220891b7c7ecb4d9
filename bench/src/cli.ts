import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildPackages } from '@taleback/scripts/src/build/packages.ts';
import { inRoot } from '@taleback/scripts/src/paths.ts';
import { atMost, type BenchResult, elapsedMs, interleaved, judged, median } from './measure.ts';

const TEXT = 'Once upon a time there was a fox who never read any stories.';
const ROUNDS = 7;
const ALONE = `
  import { compileFlite, createFliteEngine } from '@taleback/speech/child';
  const engine = createFliteEngine(await compileFlite());
  await engine.synthesizeChunk({ text: ${JSON.stringify(TEXT)}, voiceId: 'slt' });`;

/** `taleback synthesize` as it is installed, beside a process that only loads the engine and speaks the same text. */
export const run = async (): Promise<BenchResult> => {
  await buildPackages();
  const folder = await mkdtemp(join(tmpdir(), 'taleback-bench-cli-'));
  const env = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: join(folder, 'compiled') };
  const node = (...args: readonly string[]) =>
    promisify(execFile)(process.execPath, args, { env, cwd: inRoot('bench') });
  const out = join(folder, 'tale.mp3');
  try {
    const ms = await interleaved(
      {
        alone: () => node('--input-type=module', '--eval', ALONE),
        command: () => node(inRoot('cli/dist/cli.js'), 'synthesize', TEXT, '--out', out),
        help: () => node(inRoot('cli/dist/cli.js'), '--help'),
      },
      ROUNDS,
      elapsedMs,
    );
    const figures = {
      'engine alone, ms': median(ms.alone),
      'synthesize, ms': median(ms.command),
      'synthesize, ms over engine alone': median(
        ms.command.map((command, round) => command - (ms.alone[round] ?? Number.NaN)),
      ),
      '--help, ms': median(ms.help),
    };
    return judged('cli', figures, { 'synthesize, ms over engine alone': atMost(500) });
  } finally {
    await rm(folder, { recursive: true });
  }
};
