import type { DiskSpace, Figure, ReadMachine, Thresholds } from '@taleback/speech/operations';
import type { Check, Finding } from './examine.ts';

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
  const summary = `${amount(freeBytes)} of ${amount(totalBytes)} are free.`;
  const suggestions = ['Make room, or move the folder to a larger disk'];
  if (freeFiles !== undefined && freeFiles < LEAST_FILES) {
    const files = `${freeFiles} more files can be made, however much room there is.`;
    return { status: 'failed', code: 'disk_full', summary: files, suggestions };
  }
  if (freeBytes < LEAST_BYTES) return { status: 'failed', code: 'disk_full', summary, suggestions };
  if (freeBytes < LEAST_BYTES * WARNING_FACTOR) return { status: 'warning', summary, suggestions };
  return { status: 'ok', summary };
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
    const figures: { readonly figure: Figure; readonly value: number; readonly words: string }[] = [];
    if (cpuRatio !== undefined)
      figures.push({ figure: 'cpu', value: cpuRatio, words: `processor ${percent(cpuRatio)}` });
    if (memoryRatio !== undefined)
      figures.push({ figure: 'memory', value: memoryRatio, words: `memory ${percent(memoryRatio)}` });
    if (loadPerCore !== undefined)
      figures.push({ figure: 'load', value: loadPerCore, words: `load per core ${loadPerCore.toFixed(2)}` });
    if (figures.length === 0) return { status: 'skipped', summary: 'It cannot be measured here.' };
    const isOver = (level: 'warning' | 'critical'): boolean =>
      figures.some(({ figure, value }) => value > (thresholds[figure]?.[level] ?? Number.POSITIVE_INFINITY));
    const summary = `${figures.map(({ words }) => words).join(', ')}.`;
    if (!isOver('critical')) return { status: isOver('warning') ? 'warning' : 'ok', summary };
    return {
      status: 'warning',
      code: 'machine_overloaded',
      summary,
      suggestions: ['The worker takes no new stories while this lasts: end other work, or give it more'],
    };
  },
});
