import { describeError, isRecord, parseJson, TalebackError } from '@taleback/core';
import { type BatchItem, type BatchOptions, type Narrate, runBatch } from '@taleback/speech';
import { z } from 'zod';

const text = z.string('must be a text');
const optionalText = text.min(1, 'must be a text').nullish();

/** A line of a batch. A JSON string is a text alone. */
const LINE = z.preprocess(
  (value) => (typeof value === 'string' ? { text: value } : value),
  z.object(
    {
      text,
      /** Names its file, `<id>.mp3`, so it is limited to what may be a file's name everywhere. */
      id: optionalText,
      story_id: optionalText,
      voice_id: optionalText,
      language: optionalText,
      speed: z.number('must be a number').nullish(),
    },
    'it is neither an object nor a text',
  ),
);
const SAFE_ID = /^[\w-][\w.-]{0,99}$/u;

const lineFault = (lineNumber: number, reason: string): TalebackError =>
  new TalebackError('request_invalid', `Line ${lineNumber} cannot be used: ${reason}.`);

const idOfLine = (lineNumber: number): string => `line-${lineNumber}`;

/**
 * Reads one line of a batch: a JSON object with `text`, and if wanted `id` (or `story_id`), `voice_id`, `language`,
 * `speed`.
 *
 * @param lineNumber 1-based; the id of a story that has none is made of it
 * @throws TalebackError `request_invalid` that names the line and the field
 */
export const parseBatchLine = (line: string, lineNumber: number) => {
  const value = parseJson(line);
  if (value === undefined) throw lineFault(lineNumber, 'it is not JSON');
  const { data, error } = LINE.safeParse(value);
  if (data === undefined) {
    const faults = error.issues.map((one) => [...one.path, one.message].join(' '));
    throw lineFault(lineNumber, faults.join('; '));
  }
  const id = data.id ?? data.story_id ?? idOfLine(lineNumber);
  if (!SAFE_ID.test(id)) throw lineFault(lineNumber, 'id must be letters, digits, ".", "_" and "-"');
  return {
    id,
    text: data.text,
    voiceId: data.voice_id ?? undefined,
    language: data.language ?? 'en',
    speed: data.speed ?? undefined,
  };
};

type BatchStory = ReturnType<typeof parseBatchLine>;

interface BatchLine {
  /** 1-based, of the file. */
  readonly lineNumber: number;
  readonly line: string;
}

/** The lines of a file that hold something. */
export const batchLines = (content: string): BatchLine[] =>
  content
    .split(/\r?\n/u)
    .map((line, index) => ({ lineNumber: index + 1, line: line.trim() }))
    .filter(({ line }) => line !== '');

/** The id that a line came with, also where the line cannot be used. */
const givenId = ({ line, lineNumber }: BatchLine): string => {
  const given = parseJson(line);
  const id = isRecord(given) ? (given['id'] ?? given['story_id']) : undefined;
  return typeof id === 'string' || typeof id === 'number' ? String(id) : idOfLine(lineNumber);
};

interface BatchOutput {
  readonly id: string;
  readonly file: string;
  readonly durationMs: number;
  readonly voice: string;
}

export interface BatchParts extends BatchOptions<BatchLine, BatchOutput> {
  readonly narrate: Narrate;
  /** Keeps one story's MP3; returns its file. */
  readonly keep: (story: BatchStory, mp3: Uint8Array<ArrayBuffer>) => Promise<string>;
}

/** What happened to a line, as it is written to `report.json`: a sentence for people, `error` is technical. */
const entryOf = (item: BatchItem<BatchLine, BatchOutput>) => {
  const { outcome, input } = item;
  const line = input.lineNumber;
  const id = givenId(input);
  if (outcome === 'skipped') return { line, id, outcome };
  const { elapsedMs } = item;
  if (outcome === 'done') return { line, outcome, ...item.output, elapsedMs };
  const { code, retryable, message, details } = item.error;
  const { sentence } = describeError(code);
  const error = details === undefined ? message : `${message} (${details})`;
  return { line, id, outcome, code, retryable, sentence, error, elapsedMs };
};

/**
 * Narrates every story of a list. One that fails, also because its line cannot be read, never stops the others.
 *
 * @returns what is written to `report.json`
 * @see docs/origins.md#batches
 */
export const narrateBatch = async (lines: readonly BatchLine[], parts: BatchParts) => {
  const ids = new Set<string>();
  const narrateOne = async (
    { line, lineNumber }: BatchLine,
    signal: AbortSignal | undefined,
  ): Promise<BatchOutput> => {
    const { id, ...request } = parseBatchLine(line, lineNumber);
    if (ids.has(id))
      throw new TalebackError('request_invalid', `Line ${lineNumber}: the id "${id}" came before.`);
    ids.add(id);
    const { bytes, durationMs, voiceId: voice } = await parts.narrate(request, { signal });
    return { id, file: await parts.keep({ id, ...request }, bytes), durationMs, voice };
  };
  const { items, ...counts } = await runBatch(lines, narrateOne, parts);
  return { ...counts, stories: items.map(entryOf) };
};
