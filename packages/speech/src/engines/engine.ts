import type { Priority } from '@taleback/resilience';
import type { Pcm } from '../audio/index.ts';

export interface Voice {
  readonly id: string;
  /** What a person reads in a list of voices. */
  readonly name: string;
  /** BCP 47 tags, the closest one first. */
  readonly languages: readonly string[];
  readonly gender?: 'female' | 'male';
  readonly accent?: string;
  /** One short remark that helps to choose, such as "fast, robotic". */
  readonly remark?: string;
  /** A certain person's voice, which another is no substitute for, and which is none for another. Default: it is not. */
  readonly isCloned?: true;
}

/** The recording that a person's own voice is cloned from. */
export interface VoiceProfile {
  /** WAV, MP3, FLAC or Ogg, looked at already. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the bytes, lower-case hex: the same for the same recording, and for no other. */
  readonly hash: string;
}

/**
 * How a voice is to act, for engines that can be told. Names and bounds are Chatterbox's.
 * @see worker/python/taleback_speech/engines/chatterbox_settings.py
 */
export interface VoiceStyle {
  /** 0.25 to 2. */
  readonly exaggeration?: number | undefined;
  /** 0 to 1. */
  readonly cfgWeight?: number | undefined;
  /** 0.05 to 5. */
  readonly temperature?: number | undefined;
}

export interface SpeechChunk {
  /** A few sentences at most: an engine may take long over more. */
  readonly text: string;
  /** One of the engine's voices; with a profile, any name for it. */
  readonly voiceId: string;
  /** Rate of speech, 1 is the voice's own. See SPEED_RANGE. */
  readonly speed?: number | undefined;
  /** BCP 47, for engines whose voices speak several languages. */
  readonly language?: string | undefined;
  /** Speak in the voice of this recording; only for engines that clone voices. */
  readonly profile?: VoiceProfile | undefined;
  readonly style?: VoiceStyle | undefined;
}

export interface SynthesisOptions {
  readonly signal?: AbortSignal | undefined;
  /** Where it stands in a queue, if there is one. Default `normal`. */
  readonly priority?: Priority | undefined;
  /** Whose turn in the queue it uses. Default: all share one. */
  readonly tenant?: string | undefined;
}

/** Rates between which every voice stays understandable. */
export const SPEED_RANGE = { min: 0.5, max: 2 } as const;

/** What is known of an engine without running it. */
export interface SpeechProfile {
  readonly name: string;
  /** BCP 47 tags. A primary tag such as `en` stands for all its regions. */
  readonly languages: readonly string[];
  /** Never empty; the first voice is the default. */
  readonly voices: () => readonly Voice[];
  /**
   * The text as this engine will speak it: what it cannot speak is folded or dropped, line breaks stay. Applying
   * it twice changes nothing more.
   */
  readonly prepareText: (text: string) => string;
  /** Whether it speaks in the voice of a recording. Default: it does not. */
  readonly clonesVoices?: boolean | undefined;
  /** Whether it speaks at its own rate only; other rates are made of its sound. Default: it takes any of SPEED_RANGE. */
  readonly hasOneSpeed?: boolean | undefined;
}

/**
 * What turns a short text into sound. Every implementation passes `describeSpeechEngine` of engine-conformance.ts.
 *
 * Faults are TalebackErrors: `voice_not_found`, `text_not_speakable`, `request_invalid` (speed), `audio_missing`,
 * `audio_silent`, `model_failed`, `timed_out`, `worker_lost`, and what `cancellationOf` makes of the signal.
 */
export interface SpeechEngine extends SpeechProfile {
  /** How many chunks it works on at once; more than these wait inside the engine. */
  readonly concurrency: number;
  /** The same chunk gives the same sound, and the caller owns the samples. */
  readonly synthesizeChunk: (chunk: SpeechChunk, options?: SynthesisOptions) => Promise<Pcm>;
}
