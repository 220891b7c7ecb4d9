import { Transform } from 'node:stream';
import { ownStdout, serveSpeech } from '@taleback/speech/child';
import { freeEngine } from './ipc-sound.ts';

/** A child of our protocol whose engine costs nothing. With `base64` no request names a file to write to. */
const withoutPaths = (): Transform =>
  new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      done(null, chunk.toString('utf8').replace('"output_path"', '"other_path"'));
    },
  });

const isBase64 = process.argv[2] === 'base64';

serveSpeech({
  engine: 'bench',
  load: async () => freeEngine,
  concurrency: 1,
  input: isBase64 ? process.stdin.pipe(withoutPaths()) : process.stdin,
  output: ownStdout(),
  exit: (code) => process.exit(code),
  log: (line) => process.stderr.write(`${line}\n`),
});
