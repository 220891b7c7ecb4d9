import { mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lifeOf, type OutboxStore } from '@taleback/outbox';
import { z } from 'zod';
import { errorText, type RunpodLog } from './log.ts';

const owner = z.object({ pid: z.number(), host: z.string(), started: z.string().optional() });
const result = z.object({ key: z.string(), jobId: z.string(), url: z.url(), body: z.string() });
const job = z.looseObject({ key: z.string() });

const OWNER = 'owner.json';
const UNREADABLE = 'unreadable';

const isAlive = async (folder: string): Promise<boolean> => {
  try {
    return lifeOf(owner.parse(JSON.parse(await readFile(join(folder, OWNER), 'utf8')))) === 'alive';
  } catch {
    return false;
  }
};

const importFile = async (path: string, store: OutboxStore, nowMs: number): Promise<void> => {
  const json: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (path.includes('/result-')) {
    const { key, jobId, url, body } = result.parse(json);
    await store.insert({ url, messageId: key, lane: jobId, body }, nowMs, key);
  } else await store.hold({ key: job.parse(json).key, value: JSON.stringify(json) }, '');
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
): Promise<void> => {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((entry) => entry.startsWith('worker-'))) {
    const from = join(folder, name);
    if (await isAlive(from)) continue;
    // Jobs first: a result takes the place of its job.
    for (const file of (await readdir(from))
      .filter((entry) => /^(job|result)-.*\.json$/.test(entry))
      .sort()) {
      try {
        await importFile(join(from, file), store, nowMs);
        await rm(join(from, file));
      } catch (error) {
        log('error', 'a file of an earlier version cannot be read', { file, error: errorText(error) });
        await mkdir(join(folder, UNREADABLE), { recursive: true });
        await rename(join(from, file), join(folder, UNREADABLE, file)).catch(() => {});
      }
    }
    await rm(join(from, OWNER), { force: true });
    await rmdir(from).catch(() => {});
  }
};
