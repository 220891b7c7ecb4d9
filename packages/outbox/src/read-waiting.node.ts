import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DATABASE_FILE } from './database.node.ts';

/** What waits in an outbox, whichever process sends from it. */
export interface WaitingMessages {
  readonly count: number;
  /** When the oldest was written, unix ms. */
  readonly oldestMs: number | undefined;
}

/**
 * Looks into the database of an outbox folder, without taking part.
 *
 * @example
 * console.log(readWaiting('/nowhere').count); // 0
 * @throws what SQLite says
 */
export const readWaiting = (folder: string): WaitingMessages => {
  const path = join(folder, DATABASE_FILE);
  if (!existsSync(path)) return { count: 0, oldestMs: undefined };
  const db = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
  try {
    const sql = 'SELECT count(*) AS count, min(stamp) AS oldest FROM entries WHERE held = 0';
    const { count, oldest } = db.prepare(sql).get() as { count: number; oldest: number | null };
    return { count, oldestMs: oldest ?? undefined };
  } finally {
    db.close();
  }
};
