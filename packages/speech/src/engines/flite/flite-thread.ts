import { serveThread } from '../serve-thread.ts';
import { loadFlite } from './load-flite.ts';

/** Entry of a speech thread with the embedded engine. */
await serveThread(loadFlite);
