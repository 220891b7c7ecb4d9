import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lifeOf, movePrivate, type OutboxStore, removeOldAside, writePrivate } from '@taleback/outbox';
import { z } from 'zod';
import { errorText, type RunpodLog } from './log.ts';
import type { KeepableJob, RunpodJob } from './platform.ts';

const owner = z.object({ pid: z.number(), host: z.string(), started: z.string().optional() });
const result = z.object({ key: z.string(), jobId: z.string(), url: z.url(), body: z.string() });
const takenJob = z.looseObject({ key: z.string(), job: z.custom<RunpodJob>() });

/** Longer runs of such characters are a recording or an image in base64, of no use in an unreadable file. */
const LONG_BASE64 = /[\w+/=-]{1024,}/g;
const OWNER = 'owner.json';
const UNREADABLE = 'unreadable';

const isAlive = async (folder: string): Promise<boolean> => {
  try {
    return lifeOf(owner.parse(JSON.parse(await readFile(join(folder, OWNER), 'utf8')))) === 'alive';
  } catch {
    return false;
  }
};

/** @returns whether it was taken over; a recording in it may have no place now */
const importFile = async (
  path: string,
  store: OutboxStore,
  { keepable, nowMs }: { readonly keepable: KeepableJob; readonly nowMs: number },
): Promise<boolean> => {
  const json: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (path.includes('/result-')) {
    const { key, jobId, url, body } = result.parse(json);
    await store.insert({ url, messageId: key, lane: jobId, body }, nowMs, key);
    return true;
  }
  const taken = takenJob.parse(json);
  const job = await keepable(taken.job).catch(() => undefined);
  if (job === undefined) return false;
  await store.hold({ key: taken.key, value: JSON.stringify({ ...taken, job }) }, '');
  return true;
};

/** Keeps a file that cannot be read for a person, without the recording that may be in it. */
const setAside = async (path: string, target: string): Promise<void> => {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return movePrivate(path, target);
  await writePrivate(target, text.replace(LONG_BASE64, '[removed]'));
  await rm(path);
};

/**
 * Takes over what workers of version 0.1 left, each in a folder of its own: results are sent, jobs are left for `collect`.
 * Never rejects.
 */
export const importResults = async (
  folder: string,
  store: OutboxStore,
  log: RunpodLog,
  nowMs: number,
  keepable: KeepableJob = async (job) => job,
): Promise<void> => {
  await removeOldAside(folder, nowMs).catch((error: unknown) =>
    log('warn', 'what was set aside could not be removed', { error: errorText(error) }),
  );
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((entry) => entry.startsWith('worker-'))) {
    const from = join(folder, name);
    if (await isAlive(from)) continue;
    // Jobs first: a result takes the place of its job.
    for (const file of (await readdir(from))
      .filter((entry) => /^(job|result)-.*\.json$/.test(entry))
      .sort()) {
      try {
        if (await importFile(join(from, file), store, { keepable, nowMs })) await rm(join(from, file));
      } catch (error) {
        log('error', 'a file of an earlier version cannot be read', { file, error: errorText(error) });
        await setAside(join(from, file), join(folder, UNREADABLE, file)).catch(() => {});
      }
    }
    await rm(join(from, OWNER), { force: true });
    await rmdir(from).catch(() => {});
  }
};
