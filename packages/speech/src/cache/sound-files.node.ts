import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MAX_RAW_BYTES, type SoundFiles } from '../protocol/index.ts';

export interface OpenSoundFiles extends SoundFiles {
  /** Removes the folder and what is left in it. */
  close(): Promise<void>;
}

/** As much sound as raw bytes may carry, and room for what a WAV file has around it. */
const MAX_FILE_BYTES = MAX_RAW_BYTES + 64 * 1024;
/** A pipe or a link instead of a file is neither waited for nor followed. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** A folder of its own, in memory if possible: reading from disk costs several times as much. */
export const openSoundFiles = async (): Promise<OpenSoundFiles> => {
  const folder = await makeFolder();
  return {
    newPath: () => join(folder, `${randomUUID()}.wav`),
    take: async (path) => {
      try {
        return await readSoundFile(path);
      } finally {
        await remove(path);
      }
    },
    discard: (path) => void remove(path),
    close: () => rm(folder, { recursive: true, force: true }),
  };
};

/** @throws Error when there is no such file, or one that no sound fills. */
const readSoundFile = async (path: string): Promise<Uint8Array<ArrayBuffer>> => {
  const file = await open(path, FLAGS);
  try {
    const found = await file.stat();
    if (!found.isFile() || found.size > MAX_FILE_BYTES) throw new Error(`no sound file: ${found.size} bytes`);
    return new Uint8Array(await file.readFile());
  } finally {
    await file.close();
  }
};

/** Best effort: what is left goes with the folder. */
const remove = async (path: string): Promise<void> => {
  await rm(path, { recursive: true, force: true }).catch(() => {});
};

/** Folders are in memory where the system has such a place. */
const PARENTS = ['/dev/shm', tmpdir()];

const makeFolder = async (): Promise<string> => {
  const [first = tmpdir(), second = first] = PARENTS;
  const name = `taleback-${process.pid}-`;
  const folder = await mkdtemp(join(first, name)).catch(() => mkdtemp(join(second, name)));
  await sweep(dirname(folder));
  return folder;
};

/** A process that was killed could not tidy up. Its folder is left alone for a while: it may be another container's. */
const ABANDONED_MS = 3_600_000;

const sweep = async (parent: string): Promise<void> => {
  for (const name of await readdir(parent).catch(() => [])) {
    const [, pid] = /^taleback-(\d+)-/u.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const path = join(parent, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > ABANDONED_MS) await remove(path);
  }
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
};
