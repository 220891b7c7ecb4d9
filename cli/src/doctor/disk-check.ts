import type { Check, Finding } from './check.ts';

/** Room of a file system for us. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Files that can still be made; absent where nobody counts them. */
  readonly freeFiles?: number | undefined;
}

export interface DiskCheckOptions {
  readonly name: string;
  readonly folder: string;
  readonly read: (folder: string) => Promise<DiskSpace>;
  /** Below it the check fails. Default 256 MiB: an hour of MP3 is 29 MB. */
  readonly leastBytes?: number | undefined;
}

const MEBIBYTE = 2 ** 20;
const LEAST_BYTES = 256 * MEBIBYTE;
/** Below so many times the least there is a warning. */
const WARNING_FACTOR = 4;
const LEAST_FILES = 1_000;

const amount = (bytes: number): string =>
  bytes >= 1_024 * MEBIBYTE
    ? `${(bytes / 1_024 / MEBIBYTE).toFixed(1)} GiB`
    : `${Math.floor(bytes / MEBIBYTE)} MiB`;

const judge = ({ freeBytes, totalBytes, freeFiles }: DiskSpace, leastBytes: number): Finding => {
  const summary = `${amount(freeBytes)} of ${amount(totalBytes)} are free.`;
  const suggestions = ['Make room, or move the folder to a larger disk'];
  if (freeFiles !== undefined && freeFiles < LEAST_FILES) {
    const files = `${freeFiles} more files can be made, however much room there is.`;
    return { status: 'failed', code: 'disk_full', summary: files, suggestions };
  }
  if (freeBytes < leastBytes) return { status: 'failed', code: 'disk_full', summary, suggestions };
  if (freeBytes < leastBytes * WARNING_FACTOR) return { status: 'warning', summary, suggestions };
  return { status: 'ok', summary };
};

/** Room on the disk of a folder. */
export const diskCheck = ({ name, folder, read, leastBytes = LEAST_BYTES }: DiskCheckOptions): Check => ({
  name,
  group: 'storage',
  run: async () => ({ details: folder, ...judge(await read(folder), leastBytes) }),
});
