import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { BenchResult } from './bench-result.ts';
import { buildIpcBench } from './ipc-build.ts';

type Figures = Readonly<Record<string, number>>;

const ONE_CORE = 'one core, ';

const measure = async (command: string, args: readonly string[]): Promise<Figures> => {
  const { stdout } = await promisify(execFile)(command, args);
  return JSON.parse(stdout) as Figures;
};

/**
 * Both sides on one core, where the system can do that: no time passes while one side works and the other is woken up,
 * so that this is the plain cost of the code, and hardly changes from run to run.
 */
const measureOnOneCore = async (program: string): Promise<Figures> => {
  if (process.platform !== 'linux') return {};
  const figures = await measure('taskset', ['--cpu-list', '0', process.execPath, program]);
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [`${ONE_CORE}${name}`, value]));
};

/**
 * What stands between a caller and a worker: the way to it, and the way of the sound back.
 *
 * Everything is measured twice: as it runs, where waking the other side costs more than all the code between, now this and
 * now that; and on one core. The goals are about the code, so they are judged by the second, where there is one.
 */
export const run = async (): Promise<BenchResult> => {
  const program = await buildIpcBench();
  const onOneCore = await measureOnOneCore(program);
  const figures = { ...(await measure(process.execPath, [program])), ...onOneCore };
  const judged = Object.keys(onOneCore).length > 0 ? ONE_CORE : '';
  const at = (name: string): number => figures[`${judged}${name}`] ?? Number.NaN;
  return {
    name: 'ipc',
    figures,
    goals: {
      [`${judged}audio 100 KB, 2.1, x raw framing`]: '<= 1.3',
      [`${judged}audio 100 KB, 2.0 base64, x 2.1`]: '>= 8',
      [`${judged}threads, pool, p50 x raw`]: '<= 1.5, less than piscina',
    },
    holds:
      at('audio 100 KB, 2.1, x raw framing') <= 1.3 &&
      at('audio 100 KB, 2.0 base64, x 2.1') >= 8 &&
      at('threads, pool, p50 x raw') <= 1.5 &&
      at('threads, pool, p50 x raw') < at('threads, piscina, p50 x raw'),
  };
};
