import { errorWords, type Log } from '@taleback/core';
import { keysBefore, RECORDINGS } from '@taleback/core/storage';
import { FAILED_CALLBACKS } from '@taleback/outbox';
import { type Clock, wait } from '@taleback/resilience';
import type { Library } from './library.ts';
import type { Stores } from './open-storage.ts';

/** Long enough for an operator to replay a callback. */
const RECORD_LIFETIME_MS = 30 * 86_400_000;
/** A worker of RunPod may live for minutes only, so the first round is at its start. */
const EVERY_MS = 86_400_000;

export interface ExpiryOptions {
  readonly stores: Pick<Stores, 'hidden' | 'withRecords'>;
  readonly recordingLifetimeMs: number;
  /** Removes what the outboxes set aside. */
  readonly removeOldAside: (nowMs: number) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

const removeBefore = async (library: Library, folder: string, beforeMs: number): Promise<void> => {
  for (const key of keysBefore(await library.list(folder), beforeMs)) await library.remove(key);
};

/** Removes recordings, records and what was set aside after their time, at once and every day until it is closed. */
export const startExpiry = ({ stores, clock, log, ...options }: ExpiryOptions) => {
  const closing = new AbortController();
  const round = async (nowMs: number): Promise<void> => {
    const recordsMs = nowMs - RECORD_LIFETIME_MS;
    const work = [
      () => removeBefore(stores.hidden, RECORDINGS, nowMs - options.recordingLifetimeMs),
      ...stores.withRecords.map((library) => () => removeBefore(library, FAILED_CALLBACKS, recordsMs)),
      () => options.removeOldAside(nowMs),
    ];
    for (const remove of work)
      await remove().catch((error: unknown) =>
        log('warn', 'what has expired could not be removed', { error: errorWords(error) }),
      );
  };
  const run = async (): Promise<void> => {
    do await round(clock.now());
    while ((await wait(clock, EVERY_MS, closing.signal)) === 'elapsed');
  };
  const running = run();
  return {
    close: async (): Promise<void> => {
      closing.abort();
      await running;
    },
  };
};
