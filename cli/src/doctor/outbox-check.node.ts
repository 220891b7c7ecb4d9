import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readWaiting } from '@taleback/outbox';
import { filesSetAside, jsonFilesIn } from '../replay/letters.node.ts';
import type { Check } from './examine.ts';

/** What lies in the outbox and beside it. */
export interface OutboxContent {
  readonly waiting: number;
  /** ms; undefined when nothing waits. */
  readonly oldestAgeMs: number | undefined;
  /** Callbacks that were given up and wait for `taleback replay`. */
  readonly givenUp: number;
  /** True when the audio store did not say how many it holds. */
  readonly isStoreSilent?: boolean | undefined;
}

/** An entry begins with its time, epoch ms in 15 digits; of one by another name the file's time counts. */
const writtenMs = async (folder: string, file: string): Promise<number> => {
  const digits = /^(\d{15})-/.exec(file)?.[1];
  return digits === undefined ? (await stat(join(folder, file))).mtimeMs : Number(digits);
};

/**
 * What lies in an outbox folder, whichever worker writes to it, and what was given up into the audio store.
 *
 * @param countFailed callbacks that the store holds; the rest is read also when the store fails
 * @throws what the file system says
 */
export const readOutbox = async (
  outboxFolder: string,
  countFailed: () => Promise<number>,
  nowMs: number,
): Promise<OutboxContent> => {
  // Files are entries of version 0.1, which the next worker imports.
  const files = await jsonFilesIn(outboxFolder, { recursive: false });
  const { count, oldestMs } = readWaiting(outboxFolder);
  const aside = await filesSetAside(outboxFolder);
  const failed = await countFailed().catch(() => undefined);
  const [oldestFile] = files;
  const oldest = oldestFile === undefined ? oldestMs : await writtenMs(outboxFolder, oldestFile);
  return {
    waiting: files.length + count,
    oldestAgeMs: oldest === undefined ? undefined : Math.max(0, nowMs - oldest),
    givenUp: aside.length + (failed ?? 0),
    ...(failed === undefined ? { isStoreSilent: true } : {}),
  };
};

/** A receiver that restarts takes less. */
const WARNING_MS = 5 * 60_000;
/** A reader has waited for the end of a story for an hour. */
const FAILED_MS = 60 * 60_000;

/** Final callbacks that wait for their receiver. @param read throws what the file system says */
export const outboxCheck = (read: (signal: AbortSignal) => Promise<OutboxContent>): Check => ({
  name: 'outbox',
  group: 'callbacks',
  run: async (signal) => {
    const { waiting, oldestAgeMs = 0, givenUp, isStoreSilent = false } = await read(signal);
    const minutes = Math.floor(oldestAgeMs / 60_000);
    const line = waiting === 0 ? 'Nothing waits' : `${waiting} wait, the oldest for ${minutes} min`;
    const lost = givenUp === 0 ? '' : `, ${givenUp} were given up`;
    const unknown = isStoreSilent ? ' The audio store does not say what was given up into it.' : '';
    const summary = `${line}${lost}.${unknown}`;
    const suggestions = [
      ...(oldestAgeMs >= WARNING_MS ? ['Look at the receiver: taleback doctor --receiver URL'] : []),
      ...(oldestAgeMs >= FAILED_MS ? ['Look whether a worker runs: it sends them'] : []),
      ...(givenUp > 0 ? ['Send what was given up again: taleback replay'] : []),
    ];
    if (suggestions.length > 0) {
      const status = oldestAgeMs >= FAILED_MS ? 'failed' : 'warning';
      return { status, code: 'callback_undeliverable', summary, suggestions };
    }
    return isStoreSilent
      ? { status: 'warning', code: 'storage_unavailable', summary }
      : { status: 'ok', summary };
  },
});
