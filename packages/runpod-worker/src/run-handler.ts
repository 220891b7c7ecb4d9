import { errorText } from './log.ts';
import type { RunpodJob } from './platform.ts';
import {
  bodyOfReturned,
  bodyOfThrown,
  errorOfChunk,
  type ResultBody,
  type ThrownContext,
  wordsOfThrownInStream,
} from './result-body.ts';

export interface RunpodContext {
  /** Aborts when the platform stops the job, and when the worker has to end before it. */
  readonly signal: AbortSignal;
  /** Reports progress to the platform: any JSON. Lost reports are not sent again, and none is sent after the end. */
  readonly progress: (value: unknown) => void;
}

/**
 * Does a job. What it returns is the output; an object with `error` fails the job, `refresh_worker` asks for a fresh
 * worker. A generator streams: each value it yields is a chunk.
 */
export type RunpodHandler = (job: RunpodJob, context: RunpodContext) => unknown;

/** How a handler ended: with the result for the platform. */
export interface HandlerEnd {
  readonly body: ResultBody;
  readonly isStream: boolean;
  /** What was thrown outside a stream. */
  readonly thrown?: { readonly error: unknown };
}

export interface HandlerRun extends ThrownContext {
  readonly job: RunpodJob;
  readonly context: RunpodContext;
  /** Takes one chunk; the next one is asked for when it resolves. A rejection ends the stream. */
  readonly onChunk: (chunk: unknown) => Promise<void>;
  /** Whether the chunks are kept for the end. */
  readonly keepChunks: boolean;
}

type Iteration = AsyncIterator<unknown> | Iterator<unknown>;

/** Generators only: a list or a text is iterable too, and is an output. */
const iterationOf = (value: unknown): Iteration | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Symbol.asyncIterator in value) return (value as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  const isGenerator = Symbol.iterator in value && typeof (value as { next?: unknown }).next === 'function';
  return isGenerator ? (value as Iterable<unknown>)[Symbol.iterator]() : undefined;
};

/** Lets the generator clean up, without waiting for one that hangs in its own. */
const leave = (iteration: Iteration): void => {
  void (async () => iteration.return?.())().catch(() => {});
};

const runStream = async (
  iteration: Iteration,
  { onChunk, keepChunks, traceback, context }: HandlerRun,
): Promise<ResultBody> => {
  const chunks: unknown[] = [];
  for (;;) {
    let step: IteratorResult<unknown>;
    try {
      step = await iteration.next();
    } catch (error) {
      return { error: wordsOfThrownInStream(error, traceback) };
    }
    if (step.done === true) return { output: chunks };
    const wrong = errorOfChunk(step.value);
    if (wrong !== undefined || context.signal.aborted) {
      leave(iteration);
      return { error: wrong ?? 'The job was stopped.' };
    }
    if (keepChunks) chunks.push(step.value);
    try {
      await onChunk(step.value);
    } catch (error) {
      leave(iteration);
      return { error: `A chunk could not be delivered: ${errorText(error)}` };
    }
  }
};

/** Runs a handler to its end, whatever kind of function it is. */
export const runHandler = async (handler: RunpodHandler, run: HandlerRun): Promise<HandlerEnd> => {
  try {
    const value = await handler(run.job, run.context);
    const iteration = iterationOf(value);
    return iteration === undefined
      ? { body: bodyOfReturned(value), isStream: false }
      : { body: await runStream(iteration, run), isStream: true };
  } catch (error) {
    return { body: bodyOfThrown(error, run), isStream: false, thrown: { error } };
  }
};
