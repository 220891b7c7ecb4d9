import { serveThread } from '@taleback/speech/child';
import { freeEngine } from './ipc-sound.ts';

/** A speech thread whose engine costs nothing. */
await serveThread(async () => freeEngine);
