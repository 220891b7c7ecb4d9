import { Worker } from 'node:worker_threads';
import type { FromSpeechThread, ToSpeechThread } from '@taleback/speech/src/engines/index.ts';
import { Piscina } from 'piscina';
import type { Asker } from './ipc-asker.ts';
import type { Sound } from './ipc-sound.ts';

const VOICE = 'bench';

/** One thread and nothing around it: the same messages as the pool's. */
export const openRawThread = (threadFile: URL): Promise<Asker> =>
  new Promise((resolve) => {
    const thread = new Worker(threadFile, { env: {}, execArgv: [] });
    const waiting = new Map<string, (sound: Sound) => void>();
    let asked = 0;
    const asker: Asker = {
      ask: (text) =>
        new Promise((resolve) => {
          asked += 1;
          const correlationId = `req-${asked}-1`;
          waiting.set(correlationId, resolve);
          const chunk = { text, voiceId: VOICE };
          thread.postMessage({ type: 'speak', correlationId, chunk } satisfies ToSpeechThread, []);
        }),
      close: async () => void (await thread.terminate()),
    };
    thread.on('message', (message: FromSpeechThread) => {
      if (message.type === 'ready') resolve(asker);
      else if (message.type === 'audio') {
        waiting.get(message.correlationId)?.(message);
        waiting.delete(message.correlationId);
      }
    });
  });

export const openPiscina = (
  threadFile: URL,
  threads: number,
  /** How its threads wait for work; `sync` is its default. */
  atomics: 'sync' | 'disabled',
): Asker => {
  const piscina = new Piscina({
    filename: threadFile.href,
    name: 'speak',
    minThreads: threads,
    maxThreads: threads,
    atomics,
    env: {},
    execArgv: [],
  });
  return {
    ask: (text) => piscina.run({ text, voiceId: VOICE }) as Promise<Sound>,
    close: () => piscina.close({ force: true }),
  };
};
