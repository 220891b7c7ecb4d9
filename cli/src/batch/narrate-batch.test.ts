import { TalebackError } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import type { Narrate } from '@taleback/speech';
import { batchLines, narrateBatch, parseBatchLine } from './narrate-batch.ts';

const narrate: Narrate = async ({ text, voiceId = 'slt' }) => {
  if (text === 'bad') throw new TalebackError('text_not_speakable', 'Nothing to say.', { details: 'why' });
  const bytes = new TextEncoder().encode(text);
  return { bytes, durationMs: text.length, sampleRateHz: 16_000, chunkCount: 1, voiceId, engine: 'staged' };
};

const FILE = [
  '{"id":"one","text":"first","voice_id":"awb","speed":1.5}',
  '',
  '{"id":"two","text":"bad"}',
  'not json',
  '{"id":"one","text":"again"}',
  '"only a text"',
  '{"id":"../three","text":"x"}',
].join('\r\n');

describe('narrateBatch', () => {
  it('one story that fails never stops the others, and the report says how each ended', async () => {
    const kept: string[] = [];
    const batch = await narrateBatch(batchLines(FILE), {
      narrate,
      keep: async ({ id }, mp3) => {
        kept.push(`${id}: ${Buffer.from(mp3).toString()}`);
        return `${id}.mp3`;
      },
      concurrency: 1,
      now: () => 0,
    });
    expect(kept).toEqual(['one: first', 'line-6: only a text']);
    expect(batch).toMatchObject({
      total: 6,
      done: 2,
      failed: 4,
      skipped: 0,
      errorsByType: { text_not_speakable: 1, request_invalid: 3 },
    });
    expect(batch.stories).toMatchObject([
      { line: 1, outcome: 'done', id: 'one', file: 'one.mp3', durationMs: 5, voice: 'awb' },
      {
        line: 3,
        outcome: 'failed',
        code: 'text_not_speakable',
        retryable: false,
        error: 'Nothing to say. (why)',
      },
      {
        line: 4,
        outcome: 'failed',
        code: 'request_invalid',
        error: 'Line 4 cannot be used: it is not JSON.',
      },
      { line: 5, id: 'one', outcome: 'failed', error: 'Line 5: the id "one" came before.' },
      { line: 6, outcome: 'done', id: 'line-6' },
      { line: 7, outcome: 'failed' },
    ]);
  });

  it('begins nothing more when it is stopped', async () => {
    const stop = new AbortController();
    const batch = await narrateBatch(batchLines('"a"\n"b"\n"c"'), {
      narrate,
      keep: async () => {
        stop.abort();
        return 'x';
      },
      concurrency: 1,
      signal: stop.signal,
      now: () => 0,
    });
    expect(batch).toMatchObject({ done: 1, skipped: 2 });
    expect(batch.stories[2]).toEqual({ line: 3, id: 'line-3', outcome: 'skipped' });
  });
});

describe('parseBatchLine', () => {
  it.each([
    ['[]', 'neither an object nor a text'],
    ['{"text":1}', 'text must be a text'],
    ['{"text":"x","speed":"fast"}', 'speed must be a number'],
    ['{"text":"x","voice_id":7}', 'voice_id must be a text'],
    ['{"text":"x","id":"a/b"}', 'id must be letters'],
    ['{"text":"x","language":""}', 'language must be a text'],
  ])('names the field of %s', (line, words) => {
    expect(() => parseBatchLine(line, 3)).toThrow(new RegExp(`^Line 3 cannot be used: .*${words}`));
  });

  it('takes null as absent', () => {
    expect(parseBatchLine('{"text":"x","id":null,"speed":null,"voice_id":null}', 1)).toEqual({
      id: 'line-1',
      text: 'x',
      voiceId: undefined,
      language: 'en',
      speed: undefined,
    });
  });
});
