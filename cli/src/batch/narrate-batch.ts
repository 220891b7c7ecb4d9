import { describeError, TalebackError } from '@taleback/core';
import { type BatchItem, runBatch } from '@taleback/speech/src/chain/batch.ts';
import type { Narrate } from '@taleback/speech/src/chain/narrate.ts';
import { type BatchStory, parseBatchLine } from './parse-batch-line.ts';

export interface BatchParts {
  readonly narrate: Narrate;
  /** Keeps one story's MP3; gives where it is. */
  readonly keep: (story: BatchStory, mp3: Uint8Array<ArrayBuffer>) => Promise<string>;
  /** Stories narrated at once. */
  readonly concurrency: number;
  readonly signal?: AbortSignal | undefined;
  readonly onItem?: ((item: BatchItem<BatchLine, BatchOutput>) => void) | undefined;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface BatchLine {
  /** 1-based, of the file. */
  readonly lineNumber: number;
  readonly line: string;
}

export interface BatchOutput {
  readonly id: string;
  readonly file: string;
  readonly durationMs: number;
  readonly voice: string;
}

/** What became of each line, as it is written to `report.json`. */
export type BatchEntry =
  | ({ readonly line: number; readonly outcome: 'done'; readonly elapsedMs: number } & BatchOutput)
  | {
      readonly line: number;
      readonly outcome: 'failed';
      readonly elapsedMs: number;
      readonly code: string;
      readonly retryable: boolean;
      /** For people. */
      readonly sentence: string;
      /** For whoever mends it. */
      readonly error: string;
    }
  | { readonly line: number; readonly outcome: 'skipped' };

export interface NarratedBatch {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
  readonly errorsByType: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  readonly stories: readonly BatchEntry[];
}

/** The lines of a file that hold something. */
export const batchLines = (text: string): BatchLine[] =>
  text
    .split(/\r?\n/u)
    .map((line, index) => ({ lineNumber: index + 1, line: line.trim() }))
    .filter(({ line }) => line !== '');

const entryOf = (item: BatchItem<BatchLine, BatchOutput>): BatchEntry => {
  const line = item.input.lineNumber;
  switch (item.outcome) {
    case 'done':
      return { line, outcome: 'done', ...item.output, elapsedMs: item.elapsedMs };
    case 'failed': {
      const { code, retryable, message, details } = item.error;
      return {
        line,
        outcome: 'failed',
        code,
        retryable,
        sentence: describeError(code).sentence,
        error: details === undefined ? message : `${message} (${details})`,
        elapsedMs: item.elapsedMs,
      };
    }
    default:
      return { line, outcome: 'skipped' };
  }
};

/**
 * Narrates every story of a list. One that fails, also because its line cannot be read, never stops the others.
 *
 * @see seed 000, "Prevents entire campaign from failing due to single TTS error"
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
    const story = parseBatchLine(line, lineNumber);
    if (ids.has(story.id)) {
      throw new TalebackError('request_invalid', `Line ${lineNumber}: the id "${story.id}" came before.`);
    }
    ids.add(story.id);
    const { text, voiceId, language, speed } = story;
    const {
      bytes,
      durationMs,
      voiceId: voice,
    } = await narrate({ text, voiceId, language, speed }, { signal });
    return { id: story.id, file: await keep(story, bytes), durationMs, voice };
  };
  const { items, ...counts } = await runBatch(lines, narrateOne, options);
  return { ...counts, stories: items.map(entryOf) };
};
