export { Bulkhead, type BulkheadOptions, type BulkheadRequest, type BulkheadStatus } from './bulkhead.ts';
export {
  type BulkheadOutcome,
  type BulkheadRefusalReason,
  BulkheadRefusedError,
} from './bulkhead-outcome.ts';
export { FairQueue, type Priority } from './fair-queue.ts';
export type { Lane, Queueable } from './priority-level.ts';
