import type { Clock } from '@taleback/resilience';
import type { Log } from '@taleback/core';

/** A full disk fails every write: one line a minute says so as well as a thousand. */
const INTERVAL_MS = 60_000;

/** Logs each message once a minute at most, with how often it was left out before. */
export const createRareWarning = (
  log: Log,
  clock: Clock,
): ((message: string, fields: Readonly<Record<string, unknown>>) => void) => {
  const last = new Map<string, { readonly atMs: number; leftOut: number }>();
  return (message, fields) => {
    const nowMs = clock.now();
    const before = last.get(message);
    if (before !== undefined && nowMs - before.atMs < INTERVAL_MS) {
      before.leftOut += 1;
      return;
    }
    last.set(message, { atMs: nowMs, leftOut: 0 });
    log('warn', message, { ...fields, leftOut: before?.leftOut ?? 0 });
  };
};
