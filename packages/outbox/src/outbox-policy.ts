import type { Backoff } from '@taleback/resilience';

/** How long and how often a message is tried. Plain data. */
export interface OutboxPolicy {
  /** Waits between the tries of one message. */
  readonly backoff: Backoff;
  /** Age at which a message is given up; it is tried at least once in each life of the process, ms. */
  readonly deadlineMs: number;
  /** How long 401 is taken for a secret that is being replaced, ms. */
  readonly unauthorizedMs: number;
}
