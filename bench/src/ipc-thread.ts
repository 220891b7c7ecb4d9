import { serveThread } from '@taleback/worker/engines';
import { freeEngine } from './ipc-engine.ts';

/** A speech thread whose engine costs nothing. */
await serveThread(async () => freeEngine);
