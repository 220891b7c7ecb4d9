import { compileFlite, createFliteEngine, FLITE_PROFILE } from '../engines/index.ts';
import { ownStdout } from './own-stdout.ts';
import { serveSpeech } from './serve-speech.ts';

/** Entry of a speech child with the embedded engine. It speaks in its main thread: one request at a time. */
serveSpeech({
  engine: FLITE_PROFILE.name,
  load: async () => {
    const engine = createFliteEngine(await compileFlite());
    // The first words take three times as long as all later ones: let nobody wait for them.
    await engine.synthesizeChunk({ text: 'Ready to read.', voiceId: engine.voices()[0]?.id ?? '' });
    return engine;
  },
  concurrency: 1,
  input: process.stdin,
  output: ownStdout(),
  exit: (code) => process.exit(code),
  log: (line) => process.stderr.write(`${line}\n`),
});
