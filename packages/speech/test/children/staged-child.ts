import { ownStdout } from '../../src/protocol/child/answers.node.ts';
import { serveSpeech } from '../../src/protocol/child/serve-speech.ts';
import { createStagedEngine } from './staged-engine.ts';

/** Entry of a speech child whose engine does what the text says. */
const [concurrency = '1', startDelayMs = '0'] = process.argv.slice(2);

serveSpeech({
  engine: 'staged',
  load: async () => {
    await new Promise((resolve) => setTimeout(resolve, Number(startDelayMs)));
    return createStagedEngine();
  },
  concurrency: Number(concurrency),
  input: process.stdin,
  output: ownStdout(),
  exit: (code) => process.exit(code),
  log: (line) => process.stderr.write(`${line}\n`),
});
