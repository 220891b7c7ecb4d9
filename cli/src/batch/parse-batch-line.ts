import { isJsonObject, TalebackError } from '@taleback/core';

/** One story of a batch. */
export interface BatchStory {
  /** Names its file: `<id>.mp3`. */
  readonly id: string;
  readonly text: string;
  readonly voiceId: string | undefined;
  readonly language: string;
  readonly speed: number | undefined;
}

/** What may be a file's name everywhere. */
const SAFE_ID = /^[\w-][\w.-]{0,99}$/u;

const fault = (lineNumber: number, reason: string): TalebackError =>
  new TalebackError('request_invalid', `Line ${lineNumber} cannot be used: ${reason}.`);

const optionalText = (value: unknown, field: string, lineNumber: number): string | undefined => {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw fault(lineNumber, `${field} must be a text`);
};

/**
 * Reads one line of a batch: a JSON object with `text`, and if wanted `id` (or `story_id`), `voice_id`, `language`,
 * `speed`. A JSON string is a text alone.
 *
 * @param lineNumber 1-based; the id of a story that has none is made of it
 * @throws TalebackError `request_invalid` that names the line and the field.
 */
export const parseBatchLine = (line: string, lineNumber: number): BatchStory => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw fault(lineNumber, 'it is not JSON');
  }
  const fields = typeof value === 'string' ? { text: value } : value;
  if (!isJsonObject(fields)) throw fault(lineNumber, 'it is neither an object nor a text');
  const { text, speed } = fields;
  if (typeof text !== 'string') throw fault(lineNumber, 'text must be a text');
  const id = optionalText(fields['id'] ?? fields['story_id'], 'id', lineNumber) ?? `line-${lineNumber}`;
  if (!SAFE_ID.test(id)) throw fault(lineNumber, 'id must be letters, digits, ".", "_" and "-"');
  if (speed !== undefined && speed !== null && typeof speed !== 'number') {
    throw fault(lineNumber, 'speed must be a number');
  }
  return {
    id,
    text,
    voiceId: optionalText(fields['voice_id'], 'voice_id', lineNumber),
    language: optionalText(fields['language'], 'language', lineNumber) ?? 'en',
    speed: speed ?? undefined,
  };
};
