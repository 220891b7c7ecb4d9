import { TalebackError } from '@taleback/core';
import { PAUSE_SCALE_RANGE } from '../audio/pcm.ts';
import { splitText, type TextPiece, isSpeakable } from '../text/split-text.ts';
import {
  chooseVoice,
  SPEED_RANGE,
  type SpeechEngine,
  type SynthesisOptions,
  type Voice,
  type VoiceProfile,
  type VoiceStyle,
  verifyRange,
} from '../engines/engine.ts';

export interface NarrationRequest {
  readonly text: string;
  /** Default: the engine's first voice that speaks the language. */
  readonly voiceId?: string | undefined;
  /** BCP 47, such as `en` or `en-GB`. */
  readonly language: string;
  /** Rate of speech, 0.5 to 2. Default 1. */
  readonly speed?: number | undefined;
  /** Multiplies every pause between pieces, 0 to 4. Default 1. */
  readonly pauseScale?: number | undefined;
  /** The recording of a person's own voice; `voiceId` is then only its name. */
  readonly profile?: VoiceProfile | undefined;
  /** Whether another voice may read when the person's own cannot. Default false. */
  readonly allowsOtherVoice?: boolean | undefined;
  readonly style?: VoiceStyle | undefined;
}

export interface NarrationOptions extends SynthesisOptions {
  /** The finished part, 0 to 1, never decreasing; 1 comes once, at the end. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
  /** Once, when the first piece has sound. */
  readonly onFirstAudio?: (() => void) | undefined;
  /**
   * The file as it grows, for formats that can be played before they are complete (MP3; a WAV file comes at its end).
   * `offset` is where the bytes belong; 0 again means that the narration started over, with another voice.
   */
  readonly onEncoded?: ((bytes: Uint8Array, offset: number) => void) | undefined;
}

export interface NarrationPlan {
  readonly voice: Voice;
  readonly speed: number;
  readonly pauseScale: number;
  /** What will be spoken, in order; at least one. */
  readonly pieces: readonly TextPiece[];
}

/**
 * Of a text in another script an engine keeps only stray words and numbers. A narration of those would be a ruin, so at
 * least half the letters have to be left.
 */
const LEAST_SPOKEN_PART = 0.5;

/**
 * Decides what is spoken and how, or why it cannot be.
 *
 * @throws TalebackError `request_invalid`, `language_unsupported`, `voice_not_found`, `voice_language_mismatch`,
 * `text_empty`, `text_not_speakable`, `script_unsupported`.
 */
export const planNarration = (engine: SpeechEngine, request: NarrationRequest): NarrationPlan => {
  const { text, language, voiceId, profile, speed = 1, pauseScale = 1 } = request;
  verifyRange('speed', speed, SPEED_RANGE);
  verifyRange('pauseScale', pauseScale, PAUSE_SCALE_RANGE);
  const voice = chooseVoice(engine, { voiceId, language, profile });
  if (text.trim() === '') throw new TalebackError('text_empty', 'The text is empty.');

  const prepared = engine.prepareText(text);
  // Counting letters costs as much as all the rest; most texts lose nothing.
  if (prepared !== text) verifyScript(text, prepared, language);
  const limits = { fullLetters: engine.fullPieceLetters };
  const pieces = splitText(prepared, limits, language).filter((piece) => isSpeakable(piece.text));
  if (pieces.length === 0) {
    throw new TalebackError('text_not_speakable', 'The text has no letter or digit to speak.');
  }
  return { voice, speed, pauseScale, pieces };
};

const countLetters = (text: string): number => text.match(/\p{L}/gu)?.length ?? 0;

const verifyScript = (text: string, prepared: string, language: string): void => {
  const writtenLetters = countLetters(text);
  const spokenLetters = countLetters(prepared);
  if (spokenLetters >= writtenLetters * LEAST_SPOKEN_PART) return;
  throw new TalebackError('script_unsupported', 'Most of the text is in a script that cannot be spoken.', {
    details: `${spokenLetters} of ${writtenLetters} letters can be spoken in "${language.slice(0, 40)}"`,
  });
};
