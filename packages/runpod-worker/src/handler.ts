import type { RunpodJob } from './protocol.ts';

export interface RunpodContext {
  /** Aborts when the platform stops the job, and when the worker has to end before it. */
  readonly signal: AbortSignal;
  /** Tells the platform how far the job is: any JSON. Lost ones are not sent again, and none goes out after the end. */
  readonly progress: (value: unknown) => void;
}

/**
 * Does a job. What it returns is the output; an object with `error` fails the job, `refresh_worker` asks for a fresh
 * worker. A generator streams: each value it yields is a chunk.
 */
export type RunpodHandler = (job: RunpodJob, context: RunpodContext) => unknown;

type Iteration = AsyncIterator<unknown> | Iterator<unknown>;

/** How a handler ended. Nothing is thrown. */
export type HandlerEnd =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'streamed'; readonly chunks: readonly unknown[] }
  | { readonly kind: 'stream-broke'; readonly error: string };

/** Generators only: a list or a text is iterable too, and is an output. */
export const iterationOf = (value: unknown): Iteration | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Symbol.asyncIterator in value) return (value as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  const isGenerator = Symbol.iterator in value && typeof (value as { next?: unknown }).next === 'function';
  return isGenerator ? (value as Iterable<unknown>)[Symbol.iterator]() : undefined;
};

export type { Iteration };
