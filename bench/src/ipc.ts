import { bundle } from './bundle.ts';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { atMost, type BenchResult, type Goal, judged } from './measure.ts';
import { nodeOn } from './ipc-asker.ts';

/** @returns the program that measures */
export const buildIpcBench = async (): Promise<string> => {
  const fileOf = await bundle([
    'ipc-measure',
    'ipc-speech-child',
    'ipc-raw-child',
    'ipc-thread',
    'ipc-raw-thread',
    'ipc-piscina-thread',
  ]);
  return fileOf('ipc-measure');
};

type Figures = Readonly<Record<string, number>>;

interface Placement {
  readonly name: string;
  readonly managerCore: string | undefined;
  readonly childCore: string | undefined;
}

/**
 * A system that may choose puts the two sides now on one core and now on two, each pair for itself, and a trip takes 20 or
 * 60 microseconds by that alone. So both are measured where they were put, where the system can do that.
 */
const PLACEMENTS: readonly Placement[] =
  process.platform === 'linux'
    ? [
        { name: 'one core', managerCore: '0', childCore: '0' },
        { name: 'two cores', managerCore: '0', childCore: '1' },
      ]
    : [{ name: 'as it comes', managerCore: undefined, childCore: undefined }];

const measure = async (
  { name, managerCore, childCore = '' }: Placement,
  program: string,
  what: 'threads' | 'processes',
): Promise<Figures> => {
  const { command, args } = nodeOn(managerCore);
  const childArgs = childCore === '' ? [] : [childCore];
  const { stdout } = await promisify(execFile)(command, [...args, program, what, ...childArgs]);
  const figures = Object.entries(JSON.parse(stdout) as Figures);
  return Object.fromEntries(figures.map(([figure, value]) => [`${name}, ${figure}`, value]));
};

/** What stands between a caller and a worker: the way to it, and the way of the sound back. */
export const run = async (): Promise<BenchResult> => {
  const program = await buildIpcBench();
  const figures: Record<string, number> = {};
  const goals: Record<string, Goal> = {};
  for (const placement of PLACEMENTS) {
    const { name } = placement;
    Object.assign(figures, await measure(placement, program, 'processes'));
    for (const size of ['1 KB', '100 KB', '1 MB'])
      goals[`${name}, audio ${size}, 2.1, x raw framing`] = atMost(1.2);
    goals[`${name}, processes, pool, p50 x raw`] = atMost(1.5);
    goals[`${name}, processes, pool, 8 at once, rate x raw`] = {
      words: '>= 0.6',
      isMet: (rate) => rate >= 0.6,
    };
    goals[`${name}, audio 100 KB, 2.0 base64, x 2.1`] = { words: '>= 8', isMet: (ratio) => ratio >= 8 };
  }
  // Threads share a process, and cannot be put anywhere one by one.
  const together: Placement = { name: 'as it comes', managerCore: undefined, childCore: undefined };
  for (const placement of [together, ...PLACEMENTS.filter(({ name }) => name === 'one core')]) {
    Object.assign(figures, await measure(placement, program, 'threads'));
    const peer = figures[`${placement.name}, threads, piscina, p50 x raw`] ?? Number.NaN;
    goals[`${placement.name}, threads, pool, p50 x raw`] = {
      words: '<= 1.5, less than piscina',
      isMet: (ratio) => ratio <= 1.5 && ratio < peer,
    };
  }
  return judged('ipc', figures, goals);
};
