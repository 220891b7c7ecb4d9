import { parentPort } from 'node:worker_threads';
import type { FromSpeechThread, ToSpeechThread } from '@taleback/speech/child';
import { soundOf } from './ipc-sound.ts';

/** The same answers by events, without anything of ours. */
const say = (message: FromSpeechThread): void => parentPort?.postMessage(message, []);

parentPort?.on('message', ({ correlationId, chunk }: ToSpeechThread) =>
  say({ type: 'audio', correlationId, ...soundOf(chunk.text) }),
);
say({ type: 'ready' });
