import { serveThread } from '@taleback/speech/src/engines/speech-thread.node.ts';
import { freeEngine } from './ipc-sound.ts';

/** A speech thread whose engine costs nothing. */
await serveThread(async () => freeEngine);
