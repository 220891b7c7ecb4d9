import { describeError, TalebackError } from '@taleback/core';
import { type BatchItem, type Narrate, runBatch } from '@taleback/speech';
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

/** One story of a batch. */
export interface BatchStory {
  readonly id: string;
  readonly text: string;
  readonly voiceId: string | undefined;
  readonly language: string;
  readonly speed: number | undefined;
}

/**
 * Reads one line of a batch: a JSON object with `text`, and if wanted `id` (or `story_id`), `voice_id`, `language`,
 * `speed`.
 *
 * @param lineNumber 1-based; the id of a story that has none is made of it
 * @throws TalebackError `request_invalid` that names the line and the field
 */
export const parseBatchLine = (line: string, lineNumber: number): BatchStory => {
  const fault = (reason: string): TalebackError =>
    new TalebackError('request_invalid', `Line ${lineNumber} cannot be used: ${reason}.`);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw fault('it is not JSON');
  }
  const { data, error } = LINE.safeParse(value);
  if (data === undefined)
    throw fault(error.issues.map((one) => [...one.path, one.message].join(' ')).join('; '));
  const id = data.id ?? data.story_id ?? `line-${lineNumber}`;
  if (!SAFE_ID.test(id)) throw fault('id must be letters, digits, ".", "_" and "-"');
  return {
    id,
    text: data.text,
    voiceId: data.voice_id ?? undefined,
    language: data.language ?? 'en',
    speed: data.speed ?? undefined,
  };
};

export interface BatchLine {
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

export interface BatchOutput {
  readonly id: string;
  readonly file: string;
  readonly durationMs: number;
  readonly voice: string;
}

export interface BatchParts {
  readonly narrate: Narrate;
  /** Keeps one story's MP3; returns its file. */
  readonly keep: (story: BatchStory, mp3: Uint8Array<ArrayBuffer>) => Promise<string>;
  /** Stories narrated at once. */
  readonly concurrency: number;
  readonly signal?: AbortSignal | undefined;
  readonly onItem?: ((item: BatchItem<BatchLine, BatchOutput>) => void) | undefined;
  /** Milliseconds. */
  readonly now: () => number;
}

/** What happened to each line, as it is written to `report.json`. */
export type BatchEntry = { readonly line: number } & (
  | ({ readonly outcome: 'done'; readonly elapsedMs: number } & BatchOutput)
  | {
      readonly outcome: 'failed';
      readonly elapsedMs: number;
      readonly code: string;
      readonly retryable: boolean;
      /** For people. */
      readonly sentence: string;
      /** Technical. */
      readonly error: string;
    }
  | { readonly outcome: 'skipped' }
);

export interface NarratedBatch {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
  readonly errorsByType: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  readonly stories: readonly BatchEntry[];
}

const entryOf = (item: BatchItem<BatchLine, BatchOutput>): BatchEntry => {
  const line = item.input.lineNumber;
  if (item.outcome === 'skipped') return { line, outcome: 'skipped' };
  const { elapsedMs } = item;
  if (item.outcome === 'done') return { line, outcome: 'done', ...item.output, elapsedMs };
  const { code, retryable, message, details } = item.error;
  const { sentence } = describeError(code);
  const error = details === undefined ? message : `${message} (${details})`;
  return { line, outcome: 'failed', code, retryable, sentence, error, elapsedMs };
};

/**
 * Narrates every story of a list. One that fails, also because its line cannot be read, never stops the others.
 *
 * @see docs/origins.md#batches
 */
export const narrateBatch = async (
  lines: readonly BatchLine[],
  { narrate, keep, ...options }: BatchParts,
): Promise<NarratedBatch> => {
  const ids = new Set<string>();
  const narrateOne = async (
    { line, lineNumber }: BatchLine,
    signal: AbortSignal | undefined,
  ): Promise<BatchOutput> => {
    const { id, ...request } = parseBatchLine(line, lineNumber);
    if (ids.has(id))
      throw new TalebackError('request_invalid', `Line ${lineNumber}: the id "${id}" came before.`);
    ids.add(id);
    const { bytes, durationMs, voiceId: voice } = await narrate(request, { signal });
    return { id, file: await keep({ id, ...request }, bytes), durationMs, voice };
  };
  const { items, ...counts } = await runBatch(lines, narrateOne, options);
  return { ...counts, stories: items.map(entryOf) };
};
