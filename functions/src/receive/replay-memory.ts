import { SIGNATURE_TOLERANCE_SECONDS } from '@taleback/core/signatures';

/** Signed messages that were carried out already, for as long as their signatures hold. */
export interface ReplayMemory {
  has(messageKey: string): boolean;
  /** Told once a message is carried out: one that failed must be carried out when it is sent again. */
  add(messageKey: string): void;
}

/** A signature may be dated ahead of our clock by the tolerance, and holds until the tolerance after its date. */
const HELD_MS = 2 * SIGNATURE_TOLERANCE_SECONDS * 1000;

/** Messages remembered: ten minutes at 30 a second, in about 3 MB. Past that the oldest are forgotten. */
const MAX_MESSAGES = 20_000;

/**
 * Remembers signed messages of this process. What it forgets, or another process took, meets the state machine,
 * which makes one change of one message as well; the memory only keeps a recorded message without a job id from being
 * played to a later attempt.
 *
 * @param now unix milliseconds
 */
export const createReplayMemory = (now: () => number, maxMessages = MAX_MESSAGES): ReplayMemory => {
  /** In order of arrival, which is the order in which they are forgotten. */
  const forgottenAt = new Map<string, number>();
  const forgetOld = (): void => {
    for (const [key, atMs] of forgottenAt) {
      if (forgottenAt.size < maxMessages && atMs > now()) return;
      forgottenAt.delete(key);
    }
  };
  return {
    has: (messageKey) => (forgottenAt.get(messageKey) ?? 0) > now(),
    add: (messageKey) => {
      if (forgottenAt.has(messageKey)) return;
      forgetOld();
      forgottenAt.set(messageKey, now() + HELD_MS);
    },
  };
};
