import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { DiskSpace, Figure, ReadMachine, Thresholds } from '@taleback/speech/operations';
import { type Check, failed, type Finding } from './examine.ts';

const MEBIBYTE = 2 ** 20;
/** Below it the check fails: an hour of MP3 is 29 MB. */
const LEAST_BYTES = 256 * MEBIBYTE;
/** Below so many times the least there is a warning. */
const WARNING_FACTOR = 4;
const LEAST_FILES = 1_000;

const amount = (bytes: number): string =>
  bytes >= 1_024 * MEBIBYTE
    ? `${(bytes / 1_024 / MEBIBYTE).toFixed(1)} GiB`
    : `${Math.floor(bytes / MEBIBYTE)} MiB`;

const judgeDisk = ({ freeBytes, totalBytes, freeFiles }: DiskSpace): Finding => {
  const remedy = 'Make room, or move the folder to a larger disk';
  if (freeFiles !== undefined && freeFiles < LEAST_FILES) {
    const summary = `${freeFiles} more files can be made, however much room there is.`;
    return failed('disk_full', summary, remedy);
  }
  const summary = `${amount(freeBytes)} of ${amount(totalBytes)} are free.`;
  if (freeBytes < LEAST_BYTES) return failed('disk_full', summary, remedy);
  return freeBytes < LEAST_BYTES * WARNING_FACTOR
    ? { status: 'warning', summary, suggestions: [remedy] }
    : { status: 'ok', summary };
};

/** Room on the disk of a folder. */
export const diskCheck = (
  name: string,
  folder: string,
  read: (folder: string) => Promise<DiskSpace>,
): Check => ({
  name,
  group: 'storage',
  run: async () => ({ details: folder, ...judgeDisk(await read(folder)) }),
});

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** The load of the machine. It only warns: load passes, and the worker's protection looks longer than once. */
export const machineCheck = (read: ReadMachine, thresholds: Partial<Thresholds> = {}): Check => ({
  name: 'load',
  group: 'machine',
  run: async () => {
    const { cpuRatio, memoryRatio, loadPerCore } = await read();
    const levels = new Set<string>();
    const measured = (figure: Figure, value: number | undefined, words: (value: number) => string) => {
      if (value === undefined) return [];
      const { warning = Infinity, critical = Infinity } = thresholds[figure] ?? {};
      if (value > warning) levels.add('warning');
      if (value > critical) levels.add('critical');
      return [words(value)];
    };
    const figures = [
      ...measured('cpu', cpuRatio, (ratio) => `processor ${percent(ratio)}`),
      ...measured('memory', memoryRatio, (ratio) => `memory ${percent(ratio)}`),
      ...measured('load', loadPerCore, (load) => `load per core ${load.toFixed(2)}`),
    ];
    if (figures.length === 0) return { status: 'skipped', summary: 'It cannot be measured here.' };
    const summary = `${figures.join(', ')}.`;
    if (!levels.has('critical')) return { status: levels.has('warning') ? 'warning' : 'ok', summary };
    return {
      status: 'warning',
      code: 'machine_overloaded',
      summary,
      suggestions: ['The worker takes no new stories while this lasts: end other work, or give it more'],
    };
  },
});

/** A program of this machine that a configured engine needs. */
export interface NeededProgram {
  /** Such as `espeak-ng`. */
  readonly name: string;
  /** Its version, in one line. @throws what starting it says, such as ENOENT */
  readonly version: (signal: AbortSignal) => Promise<string>;
  /** How to install it, such as `apt-get install espeak-ng`. */
  readonly remedy: string;
}

/** The first line that a program prints for `--version`. @throws what starting it says, such as ENOENT */
export const readProgramVersion = async (command: string, signal: AbortSignal): Promise<string> => {
  const { stdout, stderr } = await promisify(execFile)(command, ['--version'], { signal });
  return (stdout.trim() || stderr.trim()).split('\n', 1)[0] ?? '';
};

/** Engines that a Python process of ours hosts. */
const HOSTED = /^(?:espeak-ng|[a-z-]+-python)$/;

export const neededPrograms = (config: {
  readonly names: readonly string[];
  readonly python: { readonly command: string };
}): readonly NeededProgram[] => {
  const python: NeededProgram = {
    name: 'Python',
    version: (signal) => readProgramVersion(config.python.command, signal),
    remedy: 'Install Python 3, or name it in PYTHON',
  };
  const espeak: NeededProgram = {
    name: 'espeak-ng',
    version: (signal) => readProgramVersion('espeak-ng', signal),
    remedy: 'Install it, such as with apt-get install espeak-ng',
  };
  return [
    ...(config.names.some((name) => HOSTED.test(name)) ? [python] : []),
    ...(config.names.includes('espeak-ng') ? [espeak] : []),
  ];
};

/** Whether a program that an engine needs can be started. */
export const programCheck = ({ name, version, remedy }: NeededProgram): Check => ({
  name,
  group: 'machine',
  run: async (signal) => {
    try {
      return { status: 'ok', summary: await version(signal) };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const summary = code === 'ENOENT' ? 'It is not installed.' : 'It does not start.';
      return { ...failed('model_unavailable', summary, remedy), details: message };
    }
  },
});
