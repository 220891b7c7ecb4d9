import { DEFAULT_STORY_LIMITS, primaryLanguage } from '@taleback/core';
import type { Engine } from '../documents/engine.ts';

/** Codes of the languages that are spoken where no engine is known. */
export const { languages: LANGUAGES } = DEFAULT_STORY_LIMITS;

/** Whether a voice can be spoken: there; away, known but silent; or unknown, as no engine reports it now. */
export type Presence = 'there' | 'away' | 'unknown';

/** A voice that a story can be read in. */
export interface Voice {
  readonly id: string;
  readonly name: string;
  /** What sets it apart, in a word. */
  readonly manner: string | undefined;
  /** Codes without region. */
  readonly languages: readonly string[];
  /** The engine that has it; undefined while none is known to. */
  readonly engine: string | undefined;
  readonly presence: Presence;
}

const BUILT_IN = { languages: ['en'], engine: undefined, presence: 'there' } as const;

/** What the embedded engine has: the voices of deployments that report no engines. */
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

/** The voices of the engines; the built-in ones where no engine is reported. */
export const voicesOf = (engines: readonly Engine[]): readonly Voice[] => {
  if (engines.length === 0) return VOICES;
  const voices = new Map<string, Voice>();
  for (const engine of engines.toSorted(byPresence)) {
    for (const voice of engine.voices) {
      if (voices.has(voice.id)) continue;
      const presence = isThere(engine) ? 'there' : 'away';
      voices.set(voice.id, { ...voice, engine: engine.name, presence });
    }
  }
  return [...voices.values()];
};

/** The voices that speak a language; all of them when none is known to. */
export const voicesFor = (voices: readonly Voice[], language: string): readonly Voice[] => {
  const speaking = voices.filter((voice) => voice.languages.includes(primaryLanguage(language)));
  return speaking.length === 0 ? voices : speaking;
};

/** A language that a story can be written in, and what is known of the engines that speak it. */
export interface SpokenLanguage {
  /** Without region, such as `en`. */
  readonly code: string;
  readonly presence: Presence;
}

/** The languages of the engines; the built-in ones where no engine is reported. */
export const languagesOf = (engines: readonly Engine[]): readonly SpokenLanguage[] => {
  const codes = engines.length === 0 ? LANGUAGES : new Set(engines.flatMap(({ languages }) => languages));
  return [...codes].map((code) => ({ code, presence: areNarratorsAway(engines, code) ? 'away' : 'there' }));
};

/** Whether every engine that is known to speak a language is away. Where none is known, none is away. */
export const areNarratorsAway = (engines: readonly Engine[], language: string): boolean => {
  const speaking = engines.filter(({ languages }) => languages.includes(primaryLanguage(language)));
  return speaking.length > 0 && !speaking.some(isThere);
};

const findVoice = (voices: readonly Voice[], voiceId: string | undefined): Voice | undefined =>
  voices.find(({ id }) => id === voiceId);

/** A voice's name; a voice that is not known now is called what the story calls it, or by its id. */
export const voiceLabel = (
  voices: readonly Voice[],
  voiceId: string | undefined,
  voiceName: string | undefined,
): string =>
  (findVoice(voices, voiceId) ?? findVoice(VOICES, voiceId))?.name ?? voiceName ?? voiceId ?? 'No voice';

/** A voice by its id, whether it is known or not. */
export const voiceOf = (voices: readonly Voice[], id: string, name: string | undefined): Voice =>
  findVoice(voices, id) ?? {
    id,
    name: voiceLabel(voices, id, name),
    manner: undefined,
    languages: [],
    engine: undefined,
    presence: 'unknown',
  };

/** The language to begin with: the usual one where it is spoken, else one that is. */
export const firstLanguage = (spoken: readonly SpokenLanguage[]): string => {
  const usual = LANGUAGES[0] ?? 'en';
  return spoken.some(({ code }) => code === usual) ? usual : (spoken[0]?.code ?? usual);
};

/** The languages, with the chosen one among them, which may not be spoken any more. */
export const keepLanguage = (spoken: readonly SpokenLanguage[], chosen: string): readonly SpokenLanguage[] =>
  spoken.some(({ code }) => code === chosen) ? spoken : [...spoken, { code: chosen, presence: 'unknown' }];

/** The voice to begin with among those offered: the usual one if it is there, else one that is. */
export const firstVoiceId = (offered: readonly Voice[]): string => {
  const there = offered.filter(({ presence }) => presence === 'there');
  const usual = findVoice(there, DEFAULT_VOICE_ID);
  return (usual ?? there[0] ?? offered[0])?.id ?? DEFAULT_VOICE_ID;
};

/** A voice to offer in place of one that failed: one that is there, if there is any; itself when there is no other. */
export const otherVoiceId = (offered: readonly Voice[], failedId: string | undefined): string => {
  const others = offered.filter(({ id }) => id !== failedId);
  return others.length === 0 && failedId !== undefined ? failedId : firstVoiceId(others);
};
