/**
 * True for what JSON calls an object: not null, not an array.
 *
 * @example
 * isRecord(JSON.parse('{"story_id":"s1"}')); // true
 */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What a JSON text, or its bytes, contain; undefined when they are none.
 *
 * @example
 * parseJson('{'); // undefined
 */
export const parseJson = (text: string | Uint8Array): unknown => {
  try {
    return JSON.parse(typeof text === 'string' ? text : new TextDecoder().decode(text));
  } catch {
    return undefined;
  }
};

/**
 * A text that is not empty, else undefined: for fields of documents and messages that others wrote.
 *
 * @example
 * textOf(''); // undefined
 */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/**
 * A finite number, else undefined.
 *
 * @example
 * numberOf('7'); // undefined
 */
export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/**
 * The fields without those that are undefined: an unknown field is not written, least of all as null.
 *
 * @example
 * present({ title: 'A tale', language: undefined }); // { title: 'A tale' }
 */
export const present = <T extends object>(fields: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } => {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) kept[name] = value;
  return kept as never;
};
