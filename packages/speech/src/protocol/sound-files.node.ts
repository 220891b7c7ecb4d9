import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MAX_RAW_BYTES } from './protocol.ts';

/** Where children that cannot send raw bytes put their sound. */
export interface OpenSoundFiles {
  /** A path that was never used before. */
  newPath(): string;
  /** The whole file. It is removed, also when it cannot be read. */
  take(path: string): Promise<Uint8Array<ArrayBuffer>>;
  discard(path: string): void;
  /** Removes the folder and what is left in it. */
  close(): Promise<void>;
}

export type SoundFiles = Omit<OpenSoundFiles, 'close'>;

/** As much sound as raw bytes may carry, and room for the header of a WAV file. */
const MAX_FILE_BYTES = MAX_RAW_BYTES + 64 * 1024;
/** A pipe or a link instead of a file is neither waited for nor followed. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);
/** In memory: reading from disk costs several times as much. Not every system has it. */
const MEMORY_FOLDER = '/dev/shm';
/** A killed process leaves its folder. It is kept for a while: the pid may be another container's. */
const ABANDONED_MS = 3_600_000;

/**
 * A folder of its own for the temporary sound files of children.
 *
 * @example
 * const files = await openSoundFiles();
 * files.newPath(); // such as /dev/shm/taleback-1-ab12/9f3c.wav
 * await files.close();
 */
export const openSoundFiles = async (): Promise<OpenSoundFiles> => {
  const name = `taleback-${process.pid}-`;
  const folder = await mkdtemp(join(MEMORY_FOLDER, name)).catch(() => mkdtemp(join(tmpdir(), name)));
  await removeAbandoned(dirname(folder));
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

/** @throws Error when there is no such file, or it cannot be one of a sound. */
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

const removeAbandoned = async (parent: string): Promise<void> => {
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
