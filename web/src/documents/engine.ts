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

/** A voice that an operator gave to the reader. */
export interface OwnVoice extends EngineVoice {
  /** Name of the engine that has it. */
  readonly engine: string;
}

/** Reads an entry of the register of voices. */
export const readOwnVoice = (_id: string, fields: Fields): OwnVoice => {
  const { voiceId, engine } = fields;
  const [voice] = readVoices([{ ...fields, id: voiceId }], []);
  return { id: '', name: '', languages: [], manner: undefined, ...voice, engine: textOf(engine) ?? '' };
};

/** The engines with the reader's own voices at the end of theirs. */
export const withOwnVoices = (engines: readonly Engine[], own: readonly OwnVoice[]): readonly Engine[] =>
  engines.map((engine) => {
    const voices = own
      .filter((voice) => voice.engine === engine.name && voice.id !== '')
      .map(({ engine: _engine, ...voice }) => voice);
    return voices.length === 0 ? engine : { ...engine, voices: [...engine.voices, ...voices] };
  });

/** Reads `ttsVoices/menu`: every engine that a worker reported lately, with its voices. Entries without a name are left out. */
export const readMenu = (_id: string, fields: Fields): readonly Engine[] =>
  listOf(fields['engines']).flatMap((one) => {
    const name = textOf(fieldsOf(one)['name']);
    return name === undefined ? [] : [readEngine(name, fieldsOf(one))];
  });
