import { errorWords, type Log, withoutTokens } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import type { DeadLetter } from './entry-file.ts';
import {
  type Counts,
  describeFailure,
  type FailedDelivery,
  type OutboxMessage,
  type Substitute,
} from './message.ts';
import type { EntryName } from './schedule.ts';
import type { OutboxStore } from './store.node.ts';

export interface GiveUpOptions {
  readonly store: OutboxStore;
  /** What takes the place of a message that failed for good. Default: its own substitute. */
  readonly substituteFor?: (message: OutboxMessage, failure: FailedDelivery) => Substitute | undefined;
  /** Keeps a message that was given up, where people find it. Default, and where it rejects: `set-aside/`. */
  readonly keepDeadLetter?: (letter: DeadLetter) => Promise<void>;
  /** What the log calls a message. Default `callback`. */
  readonly noun?: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A message that failed for good. */
interface FailedMessage extends Pick<DeadLetter, 'message' | 'why' | 'delivery' | 'attempts'> {
  readonly name: EntryName;
}

/** Keeps the message for people first, then removes it or puts its substitute in its place. */
export const giveUp = async (
  { name, message, why, delivery, attempts }: FailedMessage,
  { store, keepDeadLetter, substituteFor, noun = 'callback', clock, log }: GiveUpOptions,
  counts: Counts,
): Promise<'gone' | EntryName> => {
  let reason = describeFailure(delivery);
  try {
    if (keepDeadLetter === undefined) throw undefined;
    const createdMs = name.stamp;
    await keepDeadLetter({ message, createdMs, why, delivery, attempts, atMs: clock.now() });
  } catch (error) {
    if (error !== undefined) {
      reason = `${why}, and the store would not take it: ${errorWords(error)}`;
      const about = { url: withoutTokens(message.url), messageId: message.messageId };
      log('error', `failed ${noun} could not be kept`, { ...about, error: errorWords(error) });
    }
    await store.copyAside(name.id, reason);
    counts.setAside += 1;
  }
  const substitute = substituteFor === undefined ? message.substitute : substituteFor(message, delivery);
  if (substitute !== undefined) return store.replace(name, substitute);
  await store.remove(name.id);
  return 'gone';
};
