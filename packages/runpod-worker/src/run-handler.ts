import {
  type HandlerEnd,
  type Iteration,
  iterationOf,
  type RunpodContext,
  type RunpodHandler,
} from './handler.ts';
import type { RunpodJob } from './protocol.ts';
import { errorOfChunk, errorText, wordsOfThrownInStream } from './result-body.ts';

export interface StreamOptions {
  /** Takes one chunk; the next one is asked for when it resolves. A rejection ends the stream. */
  readonly onChunk: (chunk: unknown) => Promise<void>;
  /** Whether the chunks are kept for the end. */
  readonly keepChunks: boolean;
  readonly traceback: boolean;
}

/** Lets the generator clean up, without waiting for one that hangs in its own. */
const leave = (iteration: Iteration): void => {
  void (async () => iteration.return?.())().catch(() => {});
};

const runStream = async (
  iteration: Iteration,
  { onChunk, keepChunks, traceback }: StreamOptions,
  signal: AbortSignal,
): Promise<HandlerEnd> => {
  const chunks: unknown[] = [];
  for (;;) {
    let step: IteratorResult<unknown>;
    try {
      step = await iteration.next();
    } catch (error) {
      return { kind: 'stream-broke', error: wordsOfThrownInStream(error, traceback) };
    }
    if (step.done === true) return { kind: 'streamed', chunks };
    const wrong = errorOfChunk(step.value);
    if (wrong !== undefined || signal.aborted) {
      leave(iteration);
      return { kind: 'stream-broke', error: wrong ?? 'The job was stopped.' };
    }
    if (keepChunks) chunks.push(step.value);
    try {
      await onChunk(step.value);
    } catch (error) {
      leave(iteration);
      return { kind: 'stream-broke', error: `A chunk could not be delivered: ${errorText(error)}` };
    }
  }
};

/** Runs a handler to its end, whatever kind of function it is. */
export const runHandler = async (
  handler: RunpodHandler,
  job: RunpodJob,
  context: RunpodContext,
  stream: StreamOptions,
): Promise<HandlerEnd> => {
  try {
    const value = await handler(job, context);
    const iteration = iterationOf(value);
    return iteration === undefined
      ? { kind: 'returned', value }
      : await runStream(iteration, stream, context.signal);
  } catch (error) {
    return { kind: 'threw', error };
  }
};
