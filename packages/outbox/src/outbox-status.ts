/** What became of final callbacks since the start. */
export interface OutboxCounts {
  readonly delivered: number;
  /** Answered with what no further try changes. */
  readonly refused: number;
  /** Not accepted before their deadline. */
  readonly expired: number;
  /** Unreadable, or given up while the store would not take them. */
  readonly setAside: number;
  /** Sent directly, because the outbox could not be written. */
  readonly sentWithout: number;
}

/** The outbox of final callbacks, as plain JSON. */
export interface OutboxStatus extends OutboxCounts {
  /** Whether this process sends; of several workers at one outbox one does. */
  readonly sending: boolean;
  /** Messages that wait; null while another process sends. */
  readonly depth: number | null;
  /** Age of the oldest, ms; null when nothing waits or another process sends. */
  readonly oldestAge: number | null;
}
