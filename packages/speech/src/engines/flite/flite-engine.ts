import { type ErrorCode, isTalebackError, TalebackError } from '@taleback/core/errors';
import { isSilent, type Pcm } from '../../audio/pcm.ts';
import { parseWav } from '../../audio/wav.ts';
import { throwIfCancelled } from '../../cancellation.ts';
import { cleanText } from '../../text/clean-text.ts';
import {
  checkChunk,
  type SpeechChunk,
  type SpeechEngine,
  type SpeechProfile,
  type Voice,
} from '../engine.ts';
import {
  compileFlite,
  FliteProgram,
  OUTPUT_NAME,
  type ProgramRun,
  type WasmModule,
} from './flite-program.node.ts';

/** A WAV file without a single sample. */
const EMPTY_WAV_BYTES = 44;

/** Some short texts, such as "Feu!", come out as silence because flite has no rule for their sounds. */
const SOUNDLESS: readonly ErrorCode[] = ['audio_missing', 'audio_silent'];
/** Those are spelled out instead. Silence for more text than this is a fault of the engine. */
const LONGEST_SPELLED = 40;

const AMERICAN = { languages: ['en-US'], accent: 'American' };

/** Compiled into the engine. The first is the default; the telephone-rate voice `kal` is left out. */
const FLITE_VOICES: readonly Voice[] = [
  { ...AMERICAN, id: 'slt', name: 'Clara', gender: 'female', remark: 'clear and even' },
  { ...AMERICAN, id: 'rms', name: 'Robert', gender: 'male', remark: 'low and calm' },
  { id: 'awb', name: 'Alasdair', languages: ['en-GB'], gender: 'male', accent: 'Scottish', remark: 'lively' },
  { ...AMERICAN, id: 'kal16', name: 'Kal', gender: 'male', remark: 'robotic and very fast' },
];

/** What is known about flite without running it. */
export const FLITE_PROFILE: SpeechProfile = {
  name: 'flite',
  languages: ['en'],
  voices: () => FLITE_VOICES,
  prepareText: cleanText,
  // So that several processes end a story together, and its first sound is early.
  fullPieceLetters: 100,
};

/**
 * flite in the calling thread, which it blocks while it speaks: about 0.1 s for a full chunk.
 *
 * @example
 * const engine = createFliteEngine(await compileFlite());
 * engine.voices().length; // 5
 */
export const createFliteEngine = (module: WasmModule): SpeechEngine => {
  const program = new FliteProgram(module);
  return {
    ...FLITE_PROFILE,
    concurrency: 1,
    synthesizeChunk: async (chunk, options) => {
      throwIfCancelled(options?.signal);
      return speak((args) => program.run(args), chunk);
    },
  };
};

/** One chunk through a program that takes flite's arguments. */
export const speak = (run: (args: readonly string[]) => ProgramRun, chunk: SpeechChunk): Pcm => {
  const { voice, text, speed } = checkChunk(FLITE_PROFILE, chunk);
  const rate = speed === 1 ? [] : ['--setf', `duration_stretch=${1 / speed}`];
  // With -t even a text like "-o x" is text; without it a single word would be taken for a file name.
  const sound = (words: string): Pcm =>
    soundOf(run(['-voice', voice.id, ...rate, '-t', words, '-o', OUTPUT_NAME]));
  try {
    return sound(text);
  } catch (error) {
    const isSoundless = isTalebackError(error) && SOUNDLESS.includes(error.code);
    if (!isSoundless || text.length > LONGEST_SPELLED) throw error;
    return sound(text.replace(/\S/gu, '$& ').trim());
  }
};

const soundOf = ({ end, output, printed }: ProgramRun): Pcm => {
  const details = printed.trim();
  if (end.kind === 'trapped' || (end.kind === 'exited' && end.exitCode !== 0)) {
    const cause = end.kind === 'trapped' ? `trap: ${end.reason}` : `exit code ${end.exitCode}`;
    throw new TalebackError('model_failed', 'The speech engine stopped with an error.', {
      details: [cause, details].filter(Boolean).join('; '),
    });
  }
  if (output.length <= EMPTY_WAV_BYTES) {
    throw new TalebackError('audio_missing', 'The speech engine made no sound.', { details });
  }
  const pcm = parseWav(output);
  if (isSilent(pcm.samples)) throw new TalebackError('audio_silent', 'The speech engine made only silence.');
  return pcm;
};

/**
 * flite, ready to speak: the first words take three times as long as later ones, so they are spoken here.
 *
 * @example
 * const flite = await loadFlite();
 * await flite.synthesizeChunk({ text: 'Once upon a time.', voiceId: 'slt' });
 */
export const loadFlite = async (): Promise<SpeechEngine> => {
  const engine = createFliteEngine(await compileFlite());
  await engine.synthesizeChunk({ text: 'Ready to read.', voiceId: engine.voices()[0]?.id ?? '' });
  return engine;
};
