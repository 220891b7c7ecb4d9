export { Bulkhead, type BulkheadOptions, type BulkheadRequest, type BulkheadStatus } from './bulkhead.ts';
export {
  type BulkheadOutcome,
  type BulkheadRefusalReason,
  BulkheadRefusedError,
} from './bulkhead-outcome.ts';
export type { Priority } from './fair-queue.ts';
