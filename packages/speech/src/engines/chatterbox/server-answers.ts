const membersOf = (json: unknown): Readonly<Record<string, unknown>> =>
  typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>) : {};

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** What `GET /api/model-info` tells. */
export interface ModelInfo {
  readonly isLoaded: boolean;
  /** Model and device in a few words. */
  readonly words: string;
  /** Codes such as `en`; none when it does not say. */
  readonly languages: readonly string[];
}

/** Languages come as a list of codes, or as an object from codes to names. */
export const parseModelInfo = (json: unknown): ModelInfo => {
  const info = membersOf(json);
  const told = info['supported_languages'];
  const languages: unknown[] = Array.isArray(told) ? told : Object.keys(membersOf(told));
  return {
    isLoaded: info['loaded'] === true,
    words: `${textOf(info['type']) ?? textOf(info['class_name']) ?? 'a model'} on ${textOf(info['device']) ?? 'a device'}`,
    languages: languages.map(textOf).filter((code) => code !== undefined),
  };
};

export interface PredefinedVoice {
  readonly fileName: string;
  readonly displayName: string;
}

/** `GET /get_predefined_voices`: `[{display_name, filename}]`. */
export const parsePredefinedVoices = (json: unknown): PredefinedVoice[] =>
  (Array.isArray(json) ? json : []).map(membersOf).flatMap(({ filename, display_name: displayName }) => {
    const fileName = textOf(filename);
    return fileName === undefined ? [] : [{ fileName, displayName: textOf(displayName) ?? fileName }];
  });
