import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type PendingResult,
  parsePendingResult,
  parseTakenJob,
  type ResultOutbox,
  type TakenJob,
} from './index.ts';
import { lifeOf, parseOwner, thisProcess } from './outbox-owner.node.ts';
import { DRAFT_ENDING, writeDurably } from '@taleback/outbox/src/write-whole.node.ts';

/** A worker's folder; its name begins so. */
const OWN = 'worker-';
const OWNER_FILE = 'owner.json';
const JOB = 'job-';
const RESULT = 'result-';
const REFUSED = 'refused';
const UNREADABLE = 'unreadable';

/** A folder of another machine whose owner has not touched it for so long is nobody's. Touched every minute. */
const LEASE_MS = 300_000;

const jobFile = (key: string): string => `${JOB}${key}.json`;
const resultFile = (key: string): string => `${RESULT}${key}.json`;

/** Resolves with undefined when the file is not there, or somebody else was first. */
const unlessGone = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const namesIn = async (folder: string): Promise<readonly string[]> =>
  ((await unlessGone(readdir(folder))) ?? []).toSorted();

/**
 * An outbox in a folder that several workers may share. Each has a folder of its own in it, named in its `owner.json`; the
 * files of an owner that lives no more are moved, one by one, into the folder of whoever finds them: a move
 * succeeds once, so every result has one sender.
 *
 * @throws the error of the file system when the folder cannot be written to
 */
export const openRunpodOutbox = async (folder: string): Promise<ResultOutbox> => {
  const token = randomUUID();
  const own = join(folder, `${OWN}${token}`);
  const inOwn = (name: string): string => join(own, name);

  // Under another name first, so that nobody sees it without its owner.
  const draft = join(folder, `${token}${DRAFT_ENDING}`);
  await mkdir(draft, { recursive: true });
  await writeDurably(join(draft, OWNER_FILE), JSON.stringify(await thisProcess()));
  await rename(draft, own);

  const isAbandoned = async (name: string): Promise<boolean> => {
    const path = join(folder, name, OWNER_FILE);
    const text = await unlessGone(readFile(path, 'utf8'));
    // Its files went before its owner: somebody was killed while tidying up.
    if (text === undefined) return true;
    try {
      const life = await lifeOf(parseOwner(text));
      if (life !== 'elsewhere') return life === 'gone';
    } catch {
      // Not readable: only its age tells.
    }
    const touched = await unlessGone(stat(path));
    const now = await stat(inOwn(OWNER_FILE));
    return touched === undefined || now.mtimeMs - touched.mtimeMs > LEASE_MS;
  };

  /** @returns the names that are ours now */
  const moveAll = async (from: string): Promise<readonly string[]> => {
    const moved: string[] = [];
    for (const name of await namesIn(from)) {
      if (name === OWNER_FILE) continue;
      if (name.endsWith(DRAFT_ENDING)) await rm(join(from, name), { force: true });
      else if ((await unlessGone(rename(join(from, name), inOwn(name)).then(() => true))) === true) {
        moved.push(name);
      }
    }
    await rm(join(from, OWNER_FILE), { force: true });
    // Somebody else may be moving, too.
    await rmdir(from).catch(() => {});
    return moved;
  };

  const setAside = async (name: string): Promise<void> => {
    await mkdir(join(folder, UNREADABLE), { recursive: true });
    await unlessGone(rename(inOwn(name), join(folder, UNREADABLE, name)));
  };

  const readAll = async <T>(names: readonly string[], parse: (text: string) => T): Promise<T[]> => {
    const read: T[] = [];
    for (const name of names) {
      const text = await unlessGone(readFile(inOwn(name), 'utf8'));
      if (text === undefined) continue;
      try {
        read.push(parse(text));
      } catch {
        await setAside(name);
      }
    }
    return read;
  };

  const adoptFrom = async (names: readonly string[]): Promise<readonly string[]> => {
    const moved: string[] = [];
    for (const name of names) {
      if (name.startsWith(OWN) && join(folder, name) !== own && (await isAbandoned(name))) {
        moved.push(...(await moveAll(join(folder, name))));
      }
    }
    return moved.toSorted();
  };

  return {
    keepJob: (taken: TakenJob) => writeDurably(inOwn(jobFile(taken.key)), JSON.stringify(taken)),
    keepResult: async (result: PendingResult) => {
      await writeDurably(inOwn(resultFile(result.key)), JSON.stringify(result));
      await rm(inOwn(jobFile(result.key)), { force: true });
    },
    forget: async (key) => {
      await rm(inOwn(resultFile(key)), { force: true });
      await rm(inOwn(jobFile(key)), { force: true });
    },
    refuse: async (result, reason) => {
      await mkdir(join(folder, REFUSED), { recursive: true });
      await writeDurably(
        join(folder, REFUSED, resultFile(result.key)),
        JSON.stringify({ ...result, reason }, null, 2),
      );
      await rm(inOwn(resultFile(result.key)), { force: true });
    },
    adopt: async () => {
      const touched = new Date();
      await utimes(inOwn(OWNER_FILE), touched, touched);
      const found = await adoptFrom(await namesIn(folder));
      const results = await readAll(
        found.filter((name) => name.startsWith(RESULT)),
        parsePendingResult,
      );
      const jobs = await readAll(
        found.filter((name) => name.startsWith(JOB)),
        parseTakenJob,
      );
      const answered = new Set(results.map(({ key }) => key));
      return { results, jobs: jobs.filter(({ key }) => !answered.has(key)) };
    },
    close: async () => {
      // Without its owner the folder is anybody's; an empty one goes.
      await rm(inOwn(OWNER_FILE), { force: true });
      await rmdir(own).catch(() => {});
    },
  };
};
