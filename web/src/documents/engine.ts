import { primaryLanguage } from '@taleback/core';
import { type Fields, fieldsOf, millisOf, textOf } from './fields.ts';

/** A narrator's machine as the page knows it. */
export interface Engine {
  readonly name: string;
  readonly state: (typeof STATES)[number];
  /** Codes without region, such as `en`. */
  readonly languages: readonly string[];
  readonly voices: readonly EngineVoice[];
  /** Unix milliseconds; afterwards its state is not known, so it counts as away. */
  readonly expiresAtMs: number;
  /** Unix milliseconds; afterwards its voices are not on offer any more. */
  readonly forgetAtMs: number;
}

export interface EngineVoice {
  readonly id: string;
  readonly name: string;
  /** Codes without region; never empty unless the engine's are. */
  readonly languages: readonly string[];
  /** What sets it apart, in a word or two, where it is known. */
  readonly manner: string | undefined;
}

const STATES = ['ready', 'degraded', 'unavailable'] as const;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const languagesOf = (value: unknown): readonly string[] => {
  const codes = listOf(value).map((one) => primaryLanguage(textOf(one) ?? ''));
  return [...new Set(codes)].filter((code) => code !== '');
};

/** Of two voices with one id, the first counts. */
const readVoices = (value: unknown, languages: readonly string[]): readonly EngineVoice[] => {
  const voices = new Map<string, EngineVoice>();
  for (const fields of listOf(value).map(fieldsOf)) {
    const id = textOf(fields['id']);
    if (id === undefined || voices.has(id)) continue;
    const own = languagesOf(fields['languages']);
    voices.set(id, {
      id,
      name: textOf(fields['name']) ?? id,
      languages: own.length === 0 ? languages : own,
      manner: textOf(fields['accent']) ?? textOf(fields['remark']),
    });
  }
  return [...voices.values()];
};

/** Reads an entry of the menu; one whose state or time makes no sense has expired long ago. */
export const readEngine = (name: string, fields: Fields): Engine => {
  const state = STATES.find((one) => one === fields['state']);
  const languages = languagesOf(fields['languages']);
  const voices = readVoices(fields['voices'], languages);
  return {
    name,
    state: state ?? 'unavailable',
    languages: [...new Set([...languages, ...voices.flatMap((voice) => voice.languages)])],
    voices,
    expiresAtMs: state === undefined ? 0 : (millisOf(fields['expiresAt']) ?? 0),
    forgetAtMs: millisOf(fields['forgetAt']) ?? Number.POSITIVE_INFINITY,
  };
};

/** Reads `ttsVoices/menu`: every engine that a worker reported lately, with its voices. Entries without a name are left out. */
export const readMenu = (_id: string, fields: Fields): readonly Engine[] =>
  listOf(fields['engines']).flatMap((one) => {
    const name = textOf(fieldsOf(one)['name']);
    return name === undefined ? [] : [readEngine(name, fieldsOf(one))];
  });
