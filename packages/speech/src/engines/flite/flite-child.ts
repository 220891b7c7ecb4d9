import { flushCompileCache } from 'node:module';
import { FLITE_PROFILE, loadFlite } from './flite-engine.ts';
import { ownStdout } from '../../protocol/child/answers.node.ts';
import { serveSpeech } from '../../protocol/child/serve-speech.ts';

/** Entry of a speech child with the embedded engine. It speaks in its main thread: one request at a time. */
serveSpeech({
  engine: FLITE_PROFILE.name,
  load: async () => {
    const engine = await loadFlite();
    // Now, because a child may be killed: the next one starts three times as fast.
    flushCompileCache();
    return engine;
  },
  concurrency: 1,
  input: process.stdin,
  output: ownStdout(),
  exit: (code) => process.exit(code),
  log: (line) => process.stderr.write(`${line}\n`),
});
