import { type ErrorReport, reportError, toTalebackError } from '@taleback/core';

/** How one item of a batch ended. */
export type BatchItem<Input, Output> =
  | {
      readonly index: number;
      readonly input: Input;
      readonly outcome: 'done';
      readonly output: Output;
      readonly elapsedMs: number;
    }
  | {
      readonly index: number;
      readonly input: Input;
      readonly outcome: 'failed';
      readonly error: ErrorReport;
      readonly elapsedMs: number;
    }
  /** It was never begun: the batch was stopped before. */
  | { readonly index: number; readonly input: Input; readonly outcome: 'skipped' };

export interface BatchReport<Input, Output> {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
  /** Failures by code of the error catalogue. */
  readonly errorsByType: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  /** In the order of the inputs. */
  readonly items: readonly BatchItem<Input, Output>[];
}

export interface BatchOptions<Input, Output> {
  /** Items under way at once, at least 1. Default 3. */
  readonly concurrency?: number | undefined;
  /** Stops beginning new items; those under way are told by the same signal. */
  readonly signal?: AbortSignal | undefined;
  /** Told after each item, in the order of their ends. It must not throw. */
  readonly onItem?: ((item: BatchItem<Input, Output>) => void) | undefined;
  /** Milliseconds. */
  readonly now: () => number;
}

/** @see seed 000: MAX_CONCURRENT_REQUESTS 3 */
const CONCURRENCY = 3;

/**
 * Does the work for each input and reports how each ended. One that fails never stops the others.
 *
 * @see seed 000, "Continues processing other contacts even if one fails"
 */
export const runBatch = async <Input, Output>(
  inputs: readonly Input[],
  work: (input: Input, signal: AbortSignal | undefined) => Promise<Output>,
  { concurrency = CONCURRENCY, signal, onItem, now }: BatchOptions<Input, Output>,
): Promise<BatchReport<Input, Output>> => {
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new RangeError(`concurrency must be an integer of at least 1, got ${String(concurrency)}`);
  }
  const beganAtMs = now();
  const items: BatchItem<Input, Output>[] = inputs.map((input, index) => ({
    index,
    input,
    outcome: 'skipped',
  }));
  let next = 0;
  const isStopped = (): boolean => signal?.aborted === true;
  const runOne = async (index: number): Promise<void> => {
    const input = inputs[index] as Input;
    const itemBeganAtMs = now();
    const elapsed = (): { elapsedMs: number } => ({ elapsedMs: now() - itemBeganAtMs });
    let item: BatchItem<Input, Output>;
    try {
      const output = await work(input, signal);
      item = { index, input, outcome: 'done', output, ...elapsed() };
    } catch (error) {
      item = { index, input, outcome: 'failed', error: reportError(toTalebackError(error)), ...elapsed() };
    }
    items[index] = item;
    onItem?.(item);
  };
  const lane = async (): Promise<void> => {
    while (next < inputs.length && !isStopped()) {
      next += 1;
      await runOne(next - 1);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, inputs.length) }, lane));
  return { ...count(items), elapsedMs: now() - beganAtMs, items };
};

const count = <Input, Output>(
  items: readonly BatchItem<Input, Output>[],
): Pick<BatchReport<Input, Output>, 'total' | 'done' | 'failed' | 'skipped' | 'errorsByType'> => {
  const errorsByType: Record<string, number> = {};
  const counts = { done: 0, failed: 0, skipped: 0 };
  for (const item of items) {
    counts[item.outcome] += 1;
    if (item.outcome === 'failed') errorsByType[item.error.code] = (errorsByType[item.error.code] ?? 0) + 1;
  }
  return { total: items.length, ...counts, errorsByType };
};
