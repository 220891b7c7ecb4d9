import { loadFlite, ownStdout, serveSpeech } from '@taleback/speech/child';

/**
 * The product's speech child, which also says on its error output when a request reached its engine: the time of a clock
 * that all processes share, in nanoseconds, and the text.
 */
serveSpeech({
  engine: 'flite',
  load: async () => {
    const engine = await loadFlite();
    return {
      ...engine,
      synthesizeChunk: (chunk, options) => {
        process.stderr.write(`${process.hrtime.bigint()} ${chunk.text}\n`);
        return engine.synthesizeChunk(chunk, options);
      },
    };
  },
  concurrency: 1,
  input: process.stdin,
  output: ownStdout(),
  exit: (code) => process.exit(code),
  log: (line) => process.stderr.write(`${line}\n`),
});
