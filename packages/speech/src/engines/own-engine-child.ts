import { pathToFileURL } from 'node:url';
import { TalebackError } from '@taleback/core/errors';
import { ownStdout } from '../protocol/child/answers.node.ts';
import { serveSpeech } from '../protocol/child/serve-speech.ts';
import type { SpeechEngine } from './engine.ts';
import type { OwnEngineModule } from './own-engine.node.ts';

/** Entry of a speech child whose engine is a module of the user's: `FILE`, or `FILE --describe`. @see docs/engines.md */
const [file = '', command] = process.argv.slice(2);
const log = (line: string): void => void process.stderr.write(`${line}\n`);
// What the module prints goes to the log.
const output = ownStdout();

let own: OwnEngineModule;
try {
  own = (await import(pathToFileURL(file).href)) as OwnEngineModule;
  if (typeof own.load !== 'function' || typeof own.profile !== 'object')
    throw new TypeError(`${file} exports no profile and load`);
} catch (error) {
  log(error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : String(error));
  process.exit(1);
}
const { profile, load } = own;

const loadChecked = async (): Promise<SpeechEngine> => {
  const { synthesizeChunk } = await load();
  return {
    ...profile,
    voices: () =>
      profile.voices.map(({ isCloned, ...voice }) => {
        return { name: voice.id, languages: profile.languages, ...voice, isCloned: isCloned || undefined };
      }),
    prepareText: (text) => text,
    concurrency: 1,
    synthesizeChunk: async (chunk, options) => {
      const { sampleRateHz, samples } = await synthesizeChunk(chunk, options);
      if (sampleRateHz > 0 && samples instanceof Int16Array) return { sampleRateHz, samples };
      throw new TalebackError('model_failed', 'The engine gave no { sampleRateHz, samples: Int16Array }.');
    },
  };
};

if (command === '--describe') {
  output.write(`${JSON.stringify({ ...profile, file })}\n`);
  output.flush(() => process.exit(0));
} else {
  serveSpeech({
    engine: profile.name,
    load: loadChecked,
    concurrency: 1,
    input: process.stdin,
    output,
    exit: (code) => process.exit(code),
    log,
  });
}
