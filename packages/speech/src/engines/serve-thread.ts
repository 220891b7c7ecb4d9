import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { reportError, toTalebackError } from '@taleback/core';
import type { SpeechEngine } from './engine.ts';
import type { FromSpeechThread, SpeechThreadData, ToSpeechThread } from './thread-protocol.ts';

/** Smaller buffers are copied in less time than it takes to move them: 58 against 163 us at 100 KB, even at about 0.5 MB. */
const MOVED_FROM_BYTES = 2 ** 19;

/**
 * A speech thread around an engine. It sleeps until its bell is rung and then takes what is there, which wakes it several
 * times sooner than an event would: its event loop has nothing else to do.
 *
 * @returns never; the thread is ended from outside
 */
export const serveThread = async (load: () => Promise<SpeechEngine>): Promise<never> => {
  const port = parentPort;
  if (port === null) throw new Error('a speech thread runs as a worker thread only');
  const { bell } = workerData as SpeechThreadData;
  const say = (message: FromSpeechThread): void =>
    port.postMessage(
      message,
      message.type === 'audio' && message.samples.byteLength > MOVED_FROM_BYTES
        ? [message.samples.buffer]
        : [],
    );

  const engine = await load();
  const answer = async ({ correlationId, chunk }: ToSpeechThread): Promise<FromSpeechThread> => {
    try {
      const { sampleRateHz, samples } = await engine.synthesizeChunk(chunk);
      return { type: 'audio', correlationId, sampleRateHz, samples };
    } catch (error) {
      return { type: 'failed', correlationId, error: reportError(toTalebackError(error)) };
    }
  };

  say({ type: 'ready' });
  for (;;) {
    // Read before looking, so that a bell rung in between is not slept through.
    const rung = Atomics.load(bell, 0);
    for (;;) {
      const received: { readonly message: ToSpeechThread } | undefined = receiveMessageOnPort(port);
      if (received === undefined) break;
      say(await answer(received.message));
    }
    Atomics.wait(bell, 0, rung);
  }
};
