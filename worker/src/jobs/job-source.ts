import type { Handler } from '@taleback/handler/src/index.ts';

/** Where jobs come from. */
export interface JobSource {
  /** Begins to take jobs; rejects when it cannot. */
  start(handler: Handler): Promise<void>;
  /**
   * Takes no more jobs and waits for those under way. After `graceMs` they are aborted and given back, so that
   * another worker takes them.
   */
  drain(graceMs: number): Promise<void>;
}
