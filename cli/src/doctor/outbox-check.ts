import type { Check } from './check.ts';

/** What lies in the outbox and beside it. */
export interface OutboxPicture {
  readonly waiting: number;
  /** ms; undefined when nothing waits. */
  readonly oldestAgeMs: number | undefined;
  /** Callbacks that were given up and wait for `taleback replay`. */
  readonly givenUp: number;
  /** True when the audio store, where they lie, did not tell of its own. */
  readonly isStoreSilent?: boolean | undefined;
}

/** A receiver that restarts takes less. */
const WARNING_MS = 5 * 60_000;
/** Somebody has waited for the end of a story for an hour. */
const FAILED_MS = 60 * 60_000;

/** Final callbacks that wait for their receiver. @param read throws what the file system says */
export const outboxCheck = (read: (signal: AbortSignal) => Promise<OutboxPicture>): Check => ({
  name: 'outbox',
  group: 'callbacks',
  run: async (signal) => {
    const { waiting, oldestAgeMs = 0, givenUp, isStoreSilent = false } = await read(signal);
    const minutes = Math.floor(oldestAgeMs / 60_000);
    const line = waiting === 0 ? 'Nothing waits' : `${waiting} wait, the oldest for ${minutes} min`;
    const lost = givenUp === 0 ? '' : `, ${givenUp} were given up`;
    const unknown = isStoreSilent ? ' The audio store does not tell what was given up into it.' : '';
    const summary = `${line}${lost}.${unknown}`;
    const replay = givenUp === 0 ? [] : ['Send what was given up again: taleback replay'];
    const receiver = 'Look at the receiver: taleback doctor --receiver URL';
    if (oldestAgeMs >= FAILED_MS) {
      const suggestions = [receiver, 'Look whether a worker runs: it sends them', ...replay];
      return { status: 'failed', code: 'callback_undeliverable', summary, suggestions };
    }
    if (oldestAgeMs >= WARNING_MS || givenUp > 0) {
      const suggestions = [...(oldestAgeMs >= WARNING_MS ? [receiver] : []), ...replay];
      return { status: 'warning', code: 'callback_undeliverable', summary, suggestions };
    }
    if (isStoreSilent) return { status: 'warning', code: 'storage_unavailable', summary };
    return { status: 'ok', summary };
  },
});
