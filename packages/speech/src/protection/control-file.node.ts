import { readFileSync, statSync } from 'node:fs';
import type { ControlFile, ControlFileAnswer } from './kill-switch.ts';

/** A control file has a few lines. A larger file is something else and would hold the worker up. */
const MAX_SIZE_BYTES = 64 * 1024;

const MISSING_CODES: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR']);

const unreadable = (cause: string): ControlFileAnswer => ({ kind: 'unreadable', cause });

const look = (path: string, knownStamp: string | undefined): ControlFileAnswer => {
  const stats = statSync(path, { bigint: true });
  const { ino, size, mtimeNs, ctimeNs } = stats;
  // Reading a pipe would wait for a writer.
  if (!stats.isFile()) return unreadable('not a regular file');
  if (size > MAX_SIZE_BYTES) return unreadable(`over ${MAX_SIZE_BYTES} bytes`);
  // A file moved into place keeps its own times, so that they alone could be those of the file before it.
  const stamp = [ino, size, mtimeNs, ctimeNs].join(':');
  if (stamp === knownStamp) return { kind: 'unchanged' };
  return { kind: 'text', text: readFileSync(path, 'utf8'), stamp };
};

/**
 * A control file on the disk. It is read at once and not in the background, so that an answer is never older than the
 * question; a look takes microseconds.
 *
 * @example
 * createControlFile('/nowhere/control.env').read(undefined); // { kind: 'missing' }
 */
export const createControlFile = (path: string): ControlFile => ({
  name: path,
  read: (knownStamp) => {
    try {
      return look(path, knownStamp);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return MISSING_CODES.has(code) ? { kind: 'missing' } : unreadable(message);
    }
  },
});
