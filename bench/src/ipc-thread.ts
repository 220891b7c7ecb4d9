import { serveThread } from '@taleback/speech/src/engines/index.ts';
import { freeEngine } from './ipc-sound.ts';

/** A speech thread whose engine costs nothing. */
await serveThread(async () => freeEngine);
