/** How a child process ended, or why there never was one. */
export type ChildEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'not-started'; readonly reason: string };

/** A child process that was asked for. */
export interface SupervisedChild {
  /** Absent when it could not be started. */
  readonly pid: number | undefined;
  /** Does nothing when it is gone. */
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** Starts a child; `onEnd` is called exactly once, and never before this returns. */
export type StartChild = (onEnd: (end: ChildEnd) => void) => SupervisedChild;
