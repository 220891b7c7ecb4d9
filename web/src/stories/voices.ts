import { primaryLanguage } from '@taleback/core';
import type { Engine } from '../documents/index.ts';
import { LANGUAGES } from './draft.ts';

/** A voice that a story can be read in. */
export interface Voice {
  readonly id: string;
  readonly name: string;
  /** What sets it apart, in a word. */
  readonly manner: string | undefined;
  /** Codes without region. */
  readonly languages: readonly string[];
  /** The engine that has it; undefined while no engine is known. */
  readonly engine: string | undefined;
  /** False while its engine does not speak. */
  readonly isThere: boolean;
}

const BUILT_IN = { languages: ['en'], engine: undefined, isThere: true } as const;

/** What the embedded engine has: the voices of deployments that tell of no engines. */
const VOICES: readonly Voice[] = [
  { id: 'slt', name: 'Clara', manner: 'American', ...BUILT_IN },
  { id: 'rms', name: 'Robert', manner: 'American', ...BUILT_IN },
  { id: 'awb', name: 'Alasdair', manner: 'Scottish', ...BUILT_IN },
  { id: 'kal16', name: 'Kal', manner: 'robotic', ...BUILT_IN },
];

const DEFAULT_VOICE_ID = 'slt';

const isThere = ({ state }: Engine): boolean => state !== 'unavailable';

/** Engines that speak come first; of two that have a voice of one id, the first has it. */
const byPresence = (one: Engine, other: Engine): number =>
  Number(isThere(other)) - Number(isThere(one)) || one.name.localeCompare(other.name);

/** The voices of the engines that are known at the moment, else those that we always had. */
export const voicesOf = (engines: readonly Engine[]): readonly Voice[] => {
  const voices = new Map<string, Voice>();
  for (const engine of engines.toSorted(byPresence)) {
    for (const voice of engine.voices) {
      if (voices.has(voice.id)) continue;
      voices.set(voice.id, { ...voice, engine: engine.name, isThere: isThere(engine) });
    }
  }
  return voices.size === 0 ? VOICES : [...voices.values()];
};

/** The voices that speak a language; all of them when none is known to. */
export const voicesFor = (voices: readonly Voice[], language: string): readonly Voice[] => {
  const speaking = voices.filter((voice) => voice.languages.includes(primaryLanguage(language)));
  return speaking.length === 0 ? voices : speaking;
};

/** A language that a story can be written in, and whether an engine that speaks it is there. */
export interface SpokenLanguage {
  /** Without region, such as `en`. */
  readonly code: string;
  readonly isThere: boolean;
}

/** The languages of the engines that are known at the moment, else those that we always had. */
export const languagesOf = (engines: readonly Engine[]): readonly SpokenLanguage[] => {
  const codes = [...new Set(engines.flatMap(({ languages }) => languages))];
  if (codes.length === 0) return LANGUAGES.map((code) => ({ code, isThere: true }));
  return codes.map((code) => ({ code, isThere: !areNarratorsAway(engines, code) }));
};

/** Whether every engine that is known to speak a language is away. Nothing known is nobody away. */
export const areNarratorsAway = (engines: readonly Engine[], language: string): boolean => {
  const speaking = engines.filter(({ languages }) => languages.includes(primaryLanguage(language)));
  return speaking.length > 0 && !speaking.some(isThere);
};

const findVoice = (voices: readonly Voice[], voiceId: string | undefined): Voice | undefined =>
  voices.find(({ id }) => id === voiceId);

/** A voice's name; a voice that nobody knows now is called what the story calls it, or by its id. */
export const voiceLabel = (
  voices: readonly Voice[],
  voiceId: string | undefined,
  voiceName: string | undefined,
): string =>
  (findVoice(voices, voiceId) ?? findVoice(VOICES, voiceId))?.name ?? voiceName ?? voiceId ?? 'No voice';

/** The voice to begin with among those offered: the usual one if it is there, else one that is. */
export const firstVoiceId = (offered: readonly Voice[]): string => {
  const there = offered.filter((voice) => voice.isThere);
  const usual = findVoice(there, DEFAULT_VOICE_ID);
  return (usual ?? there[0] ?? offered[0])?.id ?? DEFAULT_VOICE_ID;
};

/** A voice to offer in place of one that failed: one that is there, if there is any. */
export const otherVoiceId = (offered: readonly Voice[], failedId: string | undefined): string =>
  firstVoiceId(offered.filter(({ id }) => id !== failedId));
