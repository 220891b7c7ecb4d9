import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '@taleback/core';
import { type OutboxEntry, parseEntry } from './entry-file.ts';
import { laneOf } from './message.ts';
import { type OutboxStore, SET_ASIDE, unreadableReason } from './store.node.ts';
import { DRAFT_ENDING, movePrivate, writePrivate } from './write-whole.node.ts';

/** The name of an entry's file: when it was written, ms, and hashes of the receiver, the lane and the entry. */
const ENTRY = /^\d{15}-[0-9a-f]{12}-[0-9a-f]{12}-[0-9a-f]{12}\.json$/;
/** The end of the year 9999: what is later is no time. */
const LATEST = '253402300799999';
const MAX_ENTRY_BYTES = 8 * 2 ** 20;
/** Entries in one commit. */
const BATCH = 100;

const read = async (path: string): Promise<OutboxEntry | string> => {
  try {
    const { size } = await stat(path);
    if (size > MAX_ENTRY_BYTES) return `it cannot be read: ${size} bytes are over ${MAX_ENTRY_BYTES}`;
    const parsed = parseEntry(await readFile(path));
    if (!parsed.ok) return parsed.reason;
    const { message, createdMs } = parsed.entry;
    return {
      createdMs,
      message: { ...message, lane: laneOf(JSON.parse(message.body) as object, message.messageId) },
    };
  } catch (error) {
    return unreadableReason(error);
  }
};

const setAside = async (folder: string, file: string, reason: string): Promise<void> => {
  const aside = join(folder, SET_ASIDE);
  await writePrivate(join(aside, `${file}.reason.txt`), `${reason}\n`).catch(() => {});
  await movePrivate(join(folder, file), join(aside, file));
};

/**
 * Takes over the files of an outbox of version 0.1, which kept one for each message. A file goes when its message is in the
 * database; a crash between the two sends it twice.
 *
 * @returns how many files were set aside, because they are no entries
 * @throws what the disk says; files that are left are imported at the next start
 */
export const importFolder = async (folder: string, store: OutboxStore, log: Log): Promise<number> => {
  const files = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isFile() && !/^(\.|outbox\.db)/.test(entry.name))
    .map(({ name }) => name)
    .sort();
  let asideCount = 0;
  let batch: { readonly file: string; readonly entry: OutboxEntry }[] = [];
  const flush = async (): Promise<void> => {
    await store.insertAll(batch.map(({ entry }) => entry));
    for (const { file } of batch) await rm(join(folder, file));
    batch = [];
  };
  for (const file of files) {
    if (file.endsWith(DRAFT_ENDING)) {
      await rm(join(folder, file), { force: true });
      continue;
    }
    const isNamed = ENTRY.test(file) && file.slice(0, LATEST.length) <= LATEST;
    const entry = isNamed ? await read(join(folder, file)) : 'its name is not that of an entry';
    if (typeof entry === 'string') {
      await setAside(folder, file, entry);
      log('error', 'outbox entry set aside', { file, reason: entry });
      asideCount += 1;
    } else if (batch.push({ file, entry }) === BATCH) await flush();
  }
  if (batch.length > 0) await flush();
  return asideCount;
};
