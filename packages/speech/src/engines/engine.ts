import { TalebackError } from '@taleback/core/errors';
import type { Priority, ResilienceProfile } from '@taleback/resilience';
import type { Pcm } from '../audio/pcm.ts';
import { throwIfCancelled } from '../cancellation.ts';
import { isSpeakable } from '../text/split-text.ts';

/*
 * The contract of every engine. A new one needs:
 * 1. a folder here with a function that creates a `SpeechEngine` (in a child process of ours) or a `RemoteEngine`
 *    (a service across a network: `createRemoteEngine` of remote/);
 * 2. its name and settings in engine-settings.ts, and a line in `OPENERS` of open-engine.node.ts;
 * 3. a test that calls `describeSpeechEngine` of test/engines/engine-conformance.ts.
 */

export interface Voice {
  readonly id: string;
  /** What a person reads in a list of voices. */
  readonly name: string;
  /** BCP 47 tags, the closest one first. */
  readonly languages: readonly string[];
  readonly gender?: 'female' | 'male' | undefined;
  readonly accent?: string | undefined;
  /** One short remark that helps to choose, such as "fast, robotic". */
  readonly remark?: string | undefined;
  /** The voice of a certain person: it has no substitute, and is a substitute for no other voice. */
  readonly isCloned?: true | undefined;
  /** Of the service's account, so that its operator decides who may use it. A cloned voice always is. */
  readonly isPrivate?: true | undefined;
}

/** The recording that a person's own voice is cloned from. */
export interface VoiceProfile {
  /** A sound file that `loadVoiceProfile` has checked. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the bytes, lower-case hex. */
  readonly hash: string;
}

/** How a voice acts, by Chatterbox's names. @see packages/speech/python/taleback_speech/engines/chatterbox_settings.py */
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
  /** Its priority in a queue, if there is one. Default `normal`. */
  readonly priority?: Priority | undefined;
  /** Queue share that it uses, for fairness. Default: all share one. */
  readonly tenant?: string | undefined;
  /** The story that the sound is for: what only it has used is removed from the cache with it. */
  readonly owner?: string | undefined;
}

/** Rates between which every voice stays understandable. */
export const SPEED_RANGE = { min: 0.5, max: 2 } as const;

/** What is known about an engine without running it. */
export interface SpeechProfile {
  readonly name: string;
  /** BCP 47 tags. A primary tag such as `en` stands for all its regions. */
  readonly languages: readonly string[];
  /** Never empty; the first voice is the default. */
  readonly voices: () => readonly Voice[];
  /** The text as this engine speaks it, line breaks included. Applying it again changes nothing. */
  readonly prepareText: (text: string) => string;
  /** Whether it speaks in the voice of a recording. Default: it does not. */
  readonly clonesVoices?: boolean | undefined;
  /** Whether it speaks at its own rate only, so that the sound is stretched for others. Default: any of SPEED_RANGE. */
  readonly hasOneSpeed?: boolean | undefined;
  /** Letters at which a piece takes no further sentence, where short pieces cost no more. Default: as many as fit. */
  readonly fullPieceLetters?: number | undefined;
}

/**
 * Turns a short text into sound. Every implementation passes `describeSpeechEngine`.
 *
 * Faults are TalebackErrors: `voice_not_found`, `text_not_speakable`, `request_invalid` (speed), `audio_missing`,
 * `audio_silent`, `model_failed`, `timed_out`, `worker_lost`, and what `cancellationOf` makes of the signal.
 */
export interface SpeechEngine extends SpeechProfile {
  /** Chunks it works on at once; further ones wait inside the engine. */
  readonly concurrency: number;
  /** The same chunk gives the same sound, and the caller owns the samples. */
  readonly synthesizeChunk: (chunk: SpeechChunk, options?: SynthesisOptions) => Promise<Pcm>;
}

/** What a service reports about itself. */
export interface EngineProbe {
  /** One line for an operator, such as the model and the device. */
  readonly details: string;
  /** What its sound depends on: cached sound of another model is not used. Default: not known. */
  readonly model?: string | undefined;
  /** Time to the answer, ms. */
  readonly latencyMs: number;
}

/**
 * A speech service across a network: one call is one request, without retry, queue, breaker or timeout. The caller adds
 * those, with the numbers of `policy`.
 *
 * Beside the errors of a SpeechEngine it throws `credentials_invalid`, `permission_denied`, `provider_rate_limited`,
 * `provider_quota_exceeded` (both with `retryAfterMs` when the service says so), `provider_unavailable`,
 * `provider_rejected`, `model_unavailable`, `dns_failed`, `tls_failed`, `network_unreachable`, `text_too_long`.
 */
export interface RemoteEngine extends SpeechEngine {
  readonly policy: ResilienceProfile;
  /** Its address without credentials, such as `http://127.0.0.1:8880`. */
  readonly endpoint: string;
  /** Asks the service whether it can speak and which voices it has. @throws TalebackError the errors above */
  readonly probe: (signal: AbortSignal) => Promise<EngineProbe>;
}

/** `en` of `en-AU`. */
export const primaryTag = (language: string): string => language.toLowerCase().split(/[-_]/u)[0] ?? '';

/**
 * Whether one of the languages is this one; only the primary tag counts.
 *
 * @example
 * speaksLanguage(['en', 'de'], 'en-AU'); // true
 */
export const speaksLanguage = (languages: readonly string[], language: string): boolean =>
  languages.some((spoken) => primaryTag(spoken) === primaryTag(language));

/** A voice by its id. @throws TalebackError `voice_not_found`, which names the voices there are. */
export const findVoice = (engine: Pick<SpeechEngine, 'name' | 'voices'>, voiceId: string): Voice => {
  const voices = engine.voices();
  const voice = voices.find(({ id }) => id === voiceId);
  if (voice !== undefined) return voice;
  throw new TalebackError('voice_not_found', `There is no voice "${voiceId.slice(0, 100)}".`, {
    details: `${engine.name} has ${voices.map(({ id }) => id).join(', ')}`,
  });
};

/** The first voice that speaks the language, a cloned one only if there is no other; undefined when there is none. */
export const firstVoice = (voices: readonly Voice[], language: string): Voice | undefined => {
  const able = voices.filter(({ languages }) => speaksLanguage(languages, language));
  return able.find(({ isCloned = false }) => !isCloned) ?? able[0];
};

/** The voice of a recording. @throws TalebackError `voice_not_found` when the engine clones no voices */
export const clonedVoice = (
  { name, clonesVoices, languages }: Pick<SpeechProfile, 'name' | 'clonesVoices' | 'languages'>,
  voiceId = 'cloned',
): Voice => {
  if (clonesVoices === true) return { id: voiceId, name: voiceId, languages };
  throw new TalebackError('voice_not_found', 'The voice of a recording cannot be spoken here.', {
    details: `${name} clones no voices`,
  });
};

/** @throws TalebackError `language_unsupported` when the engine does not speak it */
export const requireLanguage = (
  { name, languages }: Pick<SpeechProfile, 'name' | 'languages'>,
  language: string,
): void => {
  if (speaksLanguage(languages, language)) return;
  const message = `The language "${language.slice(0, 40)}" is not supported.`;
  const details = `${name} speaks ${languages.join(', ')}`;
  throw new TalebackError('language_unsupported', message, { details });
};

export interface VoiceWish extends Pick<SpeechChunk, 'profile'> {
  readonly voiceId?: string | undefined;
  /** BCP 47; only the primary tag counts, so `en-AU` is served by any English voice. */
  readonly language: string;
}

/**
 * The voice that will read: the one asked for, else the engine's first that speaks the language.
 *
 * @throws TalebackError `language_unsupported`, `voice_not_found`, `voice_language_mismatch`.
 */
export const chooseVoice = (engine: SpeechEngine, { voiceId, language, profile }: VoiceWish): Voice => {
  requireLanguage(engine, language);
  if (profile !== undefined) return clonedVoice(engine, voiceId);
  const voice = voiceId === undefined ? firstVoice(engine.voices(), language) : findVoice(engine, voiceId);
  if (voice !== undefined && speaksLanguage(voice.languages, language)) return voice;
  throw new TalebackError('voice_language_mismatch', `The voice does not speak "${language.slice(0, 40)}".`, {
    details: `voice ${voice?.id ?? 'none'} speaks ${voice?.languages.join(', ') ?? 'nothing'}`,
  });
};

/** @throws TalebackError `request_invalid` when the number is not within the range, or none */
export const verifyRange = (
  name: string,
  value: number,
  { min, max }: { min: number; max: number },
): void => {
  if (value >= min && value <= max) return;
  const details = `${name} is ${value}`;
  throw new TalebackError('request_invalid', `${name} must be ${min} to ${max}.`, { details });
};

/**
 * Refuses before the queue what no engine can do. @returns the chunk's voice
 *
 * @throws TalebackError `voice_not_found`, `request_invalid`, `text_not_speakable`
 */
export const verifyChunk = (
  engine: SpeechProfile,
  { text, voiceId, speed = 1, profile }: SpeechChunk,
): Voice => {
  const voice = profile === undefined ? findVoice(engine, voiceId) : clonedVoice(engine, voiceId);
  verifyRange('speed', speed, SPEED_RANGE);
  if (isSpeakable(text)) return voice;
  throw new TalebackError('text_not_speakable', 'There is no letter or digit to speak.');
};

/** A chunk with its voice found, its text in one line and its speed set. */
export interface CheckedChunk extends SpeechChunk {
  readonly voice: Voice;
  readonly speed: number;
}

/** @throws TalebackError as `verifyChunk`, and what `cancellationOf` makes of a signal that is aborted already */
export const checkChunk = (
  profile: SpeechProfile,
  { text: given, speed = 1, ...chunk }: SpeechChunk,
  signal?: AbortSignal,
): CheckedChunk => {
  throwIfCancelled(signal);
  const checked = { ...chunk, speed, text: profile.prepareText(given).replace(/\s+/gu, ' ') };
  return { ...checked, voice: verifyChunk(profile, checked) };
};
