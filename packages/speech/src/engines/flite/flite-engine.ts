import { type ErrorCode, isTalebackError, TalebackError } from '@taleback/core';
import { isSilent, isSpeakable, type Pcm, parseWav } from '../../audio/index.ts';
import { throwIfCancelled } from '../cancellation.ts';
import { findVoice } from '../choose-voice.ts';
import { SPEED_RANGE, type SpeechChunk, type SpeechEngine, type SpeechProfile } from '../engine.ts';
import { cleanText } from './clean-text.ts';
import { FliteProgram, type ProgramRun } from './flite-program.ts';
import { FLITE_VOICES } from './flite-voices.ts';
import { OUTPUT_NAME } from './wasi-host.ts';
import type { WasmModule } from './web-assembly.ts';

/** A WAV file without a single sample. */
const EMPTY_WAV_BYTES = 44;

/** Some short texts, such as "Feu!", come out as silence because no rule of flite finds a sound for them. */
const SOUNDLESS: ReadonlySet<ErrorCode> = new Set(['audio_missing', 'audio_silent']);
/** Those are spelled out instead. Silence for more text than this is a fault of the engine. */
const LONGEST_SPELLED = 40;

/** What is known of flite without running it. */
export const FLITE_PROFILE: SpeechProfile = {
  name: 'flite',
  languages: ['en'],
  voices: () => FLITE_VOICES,
  prepareText: cleanText,
};

/** flite in the calling thread, which it blocks while it speaks: about 0.1 s for a full chunk. */
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
  const { speed = 1 } = chunk;
  const voice = findVoice(FLITE_PROFILE, chunk.voiceId);
  if (!(speed >= SPEED_RANGE.min && speed <= SPEED_RANGE.max)) {
    throw new TalebackError('request_invalid', `speed must be ${SPEED_RANGE.min} to ${SPEED_RANGE.max}.`);
  }
  const text = cleanText(chunk.text).replace(/\n+/gu, ' ');
  if (!isSpeakable(text)) {
    throw new TalebackError('text_not_speakable', 'There is no letter or digit to speak.');
  }
  const rate = speed === 1 ? [] : ['--setf', `duration_stretch=${1 / speed}`];
  // With -t even a text like "-o x" is text; without it a single word would be taken for a file name.
  const sound = (words: string): Pcm =>
    soundOf(run(['-voice', voice.id, ...rate, '-t', words, '-o', OUTPUT_NAME]));
  try {
    return sound(text);
  } catch (error) {
    if (!isTalebackError(error) || !SOUNDLESS.has(error.code) || text.length > LONGEST_SPELLED) throw error;
    return sound(text.replace(/\S/gu, '$& ').trim());
  }
};

const soundOf = ({ end, output, printed }: ProgramRun): Pcm => {
  if (end.kind === 'trapped' || (end.kind === 'exited' && end.exitCode !== 0)) {
    const cause = end.kind === 'trapped' ? `trap: ${end.reason}` : `exit code ${end.exitCode}`;
    throw new TalebackError('model_failed', 'The speech engine stopped with an error.', {
      details: [cause, printed.trim()].filter((part) => part !== '').join('; '),
    });
  }
  if (output.length <= EMPTY_WAV_BYTES) {
    throw new TalebackError('audio_missing', 'The speech engine made no sound.', { details: printed.trim() });
  }
  const pcm = parseWav(output);
  if (isSilent(pcm.samples)) throw new TalebackError('audio_silent', 'The speech engine made only silence.');
  return pcm;
};
