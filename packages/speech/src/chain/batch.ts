import { type ErrorReport, reportError, toTalebackError } from '@taleback/core';

/** How one item of a batch ended; `skipped` was never begun, because the batch was stopped. */
export type BatchItem<Input, Output> = { readonly index: number; readonly input: Input } & (
  | { readonly outcome: 'done'; readonly output: Output; readonly elapsedMs: number }
  | { readonly outcome: 'failed'; readonly error: ErrorReport; readonly elapsedMs: number }
  | { readonly outcome: 'skipped' }
);

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
  /** Items in progress at once, at least 1. Default 3. @see docs/origins.md#concurrency */
  readonly concurrency?: number | undefined;
  /** Begins no more items; it is passed to those in progress. */
  readonly signal?: AbortSignal | undefined;
  /** After each item, in the order of their ends. It must not throw. */
  readonly onItem?: ((item: BatchItem<Input, Output>) => void) | undefined;
  /** Milliseconds. */
  readonly now: () => number;
}

/**
 * Does the work for each input and reports how each ended. One that fails never stops the others.
 *
 * @see docs/origins.md#batches
 * @example
 * const lengthOf = async (text: string) => text.length;
 * const { done, failed } = await runBatch(['One.', 'Two.'], lengthOf, { now: Date.now });
 * console.log(done, failed); // 2 0
 */
export const runBatch = async <Input, Output>(
  inputs: readonly Input[],
  work: (input: Input, signal: AbortSignal | undefined) => Promise<Output>,
  { concurrency = 3, signal, onItem, now }: BatchOptions<Input, Output>,
): Promise<BatchReport<Input, Output>> => {
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new RangeError(`concurrency must be an integer of at least 1, got ${String(concurrency)}`);
  }
  const beganAtMs = now();
  const items = inputs.map(
    (input, index): BatchItem<Input, Output> => ({ index, input, outcome: 'skipped' }),
  );
  const runOne = async (index: number, input: Input): Promise<void> => {
    const itemBeganAtMs = now();
    let item: BatchItem<Input, Output>;
    try {
      const output = await work(input, signal);
      item = { index, input, outcome: 'done', output, elapsedMs: now() - itemBeganAtMs };
    } catch (thrown) {
      const error = reportError(toTalebackError(thrown));
      item = { index, input, outcome: 'failed', error, elapsedMs: now() - itemBeganAtMs };
    }
    items[index] = item;
    onItem?.(item);
  };
  // Shared by the lanes: each takes the next input.
  const waiting = inputs.entries();
  const lane = async (): Promise<void> => {
    for (const [index, input] of waiting) {
      if (signal?.aborted === true) return;
      await runOne(index, input);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, inputs.length) }, lane));
  const counts = { done: 0, failed: 0, skipped: 0 };
  const errorsByType: Record<string, number> = {};
  for (const item of items) {
    counts[item.outcome] += 1;
    if (item.outcome === 'failed') errorsByType[item.error.code] = (errorsByType[item.error.code] ?? 0) + 1;
  }
  return { total: items.length, ...counts, errorsByType, elapsedMs: now() - beganAtMs, items };
};
