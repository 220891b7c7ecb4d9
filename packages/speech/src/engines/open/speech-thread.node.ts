import { Worker } from 'node:worker_threads';
import type { FromSpeechThread, SpeechThreadData, ToSpeechThread } from '../index.ts';
import type { OpenSpeechChild } from '../../pool/speech-child.ts';
import { OWN_NODE_ARGS } from './own-files.node.ts';

/**
 * Speech threads of this process from a built entry file, which serves them with `serveThread`. They see neither the
 * environment nor the loaders of this process.
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
      cause = error instanceof Error ? error.message : String(error);
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
