import { Worker } from 'node:worker_threads';
import type { FromSpeechThread, ToSpeechThread } from '../engines/index.ts';

/** A thread that speaks, as the pool sees it. */
export interface SpeechThread {
  post(message: ToSpeechThread): void;
  /** Ends it at once, also in the middle of a chunk; settles when it is gone. */
  terminate(): Promise<void>;
}

export interface SpeechThreadEvents {
  readonly onMessage: (message: FromSpeechThread) => void;
  /** It ended by itself, or could not start. May be told more than once. */
  readonly onEnd: (cause: string) => void;
}

export type OpenSpeechThread = (events: SpeechThreadEvents) => SpeechThread;

/**
 * Speech threads from a built entry file. `workerData` is what that entry expects, for flite the compiled module.
 * The threads see neither the environment nor the loaders of this process.
 */
export const speechThreadsFrom =
  (threadFile: URL, workerData: unknown): OpenSpeechThread =>
  ({ onMessage, onEnd }) => {
    const worker = new Worker(threadFile, { workerData, env: {}, execArgv: [] });
    worker.on('message', onMessage);
    worker.on('error', (error) => onEnd(error instanceof Error ? error.message : String(error)));
    worker.on('exit', (exitCode) => onEnd(`exit code ${exitCode}`));
    return {
      post: (message) => worker.postMessage(message, []),
      terminate: async () => {
        await worker.terminate();
      },
    };
  };
