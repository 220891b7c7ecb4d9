import { parentPort, receiveMessageOnPort, Worker, workerData as ownData } from 'node:worker_threads';
import { type ErrorReport, errorWords, reportError, toTalebackError } from '@taleback/core/errors';
import { OWN_NODE_ARGS } from '../own-files.node.ts';
import type { OpenSpeechChild } from '../pool/speech-child.ts';
import type { SpeechChunk, SpeechEngine } from './engine.ts';

/** What a speech thread is started with: one number, which grows with every message to it and wakes it. */
export interface SpeechThreadData {
  readonly bell: Int32Array<SharedArrayBuffer>;
}

/** Between the pool and one speech thread. It answers each chunk exactly once. */
export interface ToSpeechThread {
  readonly type: 'speak';
  readonly correlationId: string;
  readonly chunk: SpeechChunk;
}

export type FromSpeechThread =
  | { readonly type: 'ready' }
  | {
      readonly type: 'audio';
      readonly correlationId: string;
      readonly sampleRateHz: number;
      readonly samples: Int16Array<ArrayBuffer>;
    }
  | { readonly type: 'failed'; readonly correlationId: string; readonly error: ErrorReport };

/**
 * Speech threads of this process. Their entry file calls `serveThread`; they see neither the environment nor the loaders
 * of this process.
 *
 * @example
 * // Not run: it needs a file with the thread's entry.
 * const openThread = openSpeechThread(new URL('./my-thread.js', import.meta.url));
 */
export const openSpeechThread =
  (threadFile: URL): OpenSpeechChild =>
  (_workerId, events) => {
    const bell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const workerData: SpeechThreadData = { bell };
    const thread = new Worker(threadFile, { workerData, env: {}, execArgv: [...OWN_NODE_ARGS] });
    let cause: string | undefined;
    thread.on('message', (message: FromSpeechThread) => {
      if (message.type === 'ready') {
        events.onReady({ protocol: 'thread', concurrency: 1, model: undefined });
      } else if (message.type === 'audio') {
        const { correlationId, sampleRateHz, samples } = message;
        events.onSpoken(correlationId, { sampleRateHz, samples });
      } else {
        events.onFailed(message.correlationId, message.error);
      }
    });
    thread.on('error', (error) => {
      cause = errorWords(error);
    });
    thread.on('exit', (exitCode) => events.onEnd(cause ?? `exit code ${exitCode}`));
    const end = (): void => void thread.terminate();
    return {
      pid: undefined,
      answersPings: false,
      speak: ({ correlationId, request }) => {
        const { text, voiceId, speed } = request;
        const chunk = { text, voiceId, speed };
        thread.postMessage({ type: 'speak', correlationId, chunk } satisfies ToSpeechThread, []);
        Atomics.add(bell, 0, 1);
        Atomics.notify(bell, 0);
      },
      // It cannot hear anything while it speaks.
      cancel: end,
      ping: () => {},
      leave: end,
      kill: end,
    };
  };

/** Smaller buffers are copied in less time than it takes to move them: 58 against 163 us at 100 KB, even at about 0.5 MB. */
const MOVED_FROM_BYTES = 2 ** 19;

/**
 * Serves an engine in a speech thread. It sleeps until its bell rings and then takes the waiting messages: that wakes it
 * several times sooner than an event would, and its event loop has nothing else to do.
 *
 * @returns never; the thread is ended from outside
 *
 * @example
 * // Not run: it is the entry of a thread.
 * await serveThread(loadFlite);
 */
export const serveThread = async (load: () => Promise<SpeechEngine>): Promise<never> => {
  const port = parentPort;
  if (port === null) throw new Error('a speech thread runs as a worker thread only');
  const { bell } = ownData as SpeechThreadData;
  const send = (message: FromSpeechThread): void => {
    const isMoved = message.type === 'audio' && message.samples.byteLength > MOVED_FROM_BYTES;
    port.postMessage(message, isMoved ? [message.samples.buffer] : []);
  };

  const engine = await load();
  const answer = async ({ correlationId, chunk }: ToSpeechThread): Promise<FromSpeechThread> => {
    try {
      const { sampleRateHz, samples } = await engine.synthesizeChunk(chunk);
      return { type: 'audio', correlationId, sampleRateHz, samples };
    } catch (error) {
      return { type: 'failed', correlationId, error: reportError(toTalebackError(error)) };
    }
  };

  send({ type: 'ready' });
  for (;;) {
    // Read before looking for messages, so that a bell rung in between is not missed.
    const rung = Atomics.load(bell, 0);
    for (;;) {
      const received: { readonly message: ToSpeechThread } | undefined = receiveMessageOnPort(port);
      if (received === undefined) break;
      send(await answer(received.message));
    }
    Atomics.wait(bell, 0, rung);
  }
};
