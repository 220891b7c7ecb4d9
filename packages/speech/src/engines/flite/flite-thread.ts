import { serveThread } from '../speech-thread.node.ts';
import { loadFlite } from './flite-engine.ts';

/** Entry of a speech thread with the embedded engine. */
await serveThread(loadFlite);
