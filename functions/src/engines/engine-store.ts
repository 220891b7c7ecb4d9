import type { EngineDecision, EngineRecord, EnginesReport, ReportedEngine } from '@taleback/core';

/** Where the health of workers and their engines is kept. */
export interface EngineStore {
  /**
   * Keeps a worker's report, and what follows from it for each engine that it names, in one transaction. `decide` may
   * run again.
   *
   * @param expiresAtMs unix milliseconds; after it the report counts as old
   */
  readonly keep: (
    report: EnginesReport,
    expiresAtMs: number,
    decide: (known: EngineRecord | undefined, told: ReportedEngine) => EngineDecision,
  ) => Promise<KeepOutcome>;
}

/**
 * - `kept`: written; `changed` names the engines whose documents are others now
 * - `store-away`: nobody knows whether it was written; sending the report again is safe
 */
export type KeepOutcome =
  | { readonly kind: 'kept'; readonly changed: readonly string[] }
  | { readonly kind: 'store-away'; readonly cause: string };
