import { describe, expect, it } from 'vitest';
import type { HandlerResult } from '@taleback/handler';
import { answerRunpod } from './runpod.node.ts';

const never = new AbortController().signal;

const read = (output: object): unknown => {
  expect(Object.keys(output)).toEqual(['error']);
  return JSON.parse((output as { error: string }).error);
};

describe('answerRunpod', () => {
  it('returns a success as it is', async () => {
    const result: HandlerResult = {
      status: 'success',
      audio_url: 'https://x/a.mp3',
      storage_path: 'a.mp3',
      duration_ms: 1_000,
      generation_time: 1.5,
    };
    expect(await answerRunpod(async () => result, {}, never)).toBe(result);
  });

  it('makes one string of an error, which clients of RunPod can parse', async () => {
    const output = await answerRunpod(
      async () => ({
        status: 'error',
        error: 'The story has no text',
        error_type: 'text_empty',
        retryable: false,
        generation_time: 0.1,
      }),
      {},
      never,
    );
    expect(read(output)).toEqual({
      error_type: 'text_empty',
      error_message: 'The story has no text',
      retryable: false,
    });
  });

  it('answers a story that was cut short as one that may be tried again', async () => {
    const output = await answerRunpod(() => Promise.reject(new Error('aborted')), {}, AbortSignal.abort());
    expect(read(output)).toMatchObject({ error_type: 'worker_lost', retryable: true });
  });

  it('hides no fault of ours', async () => {
    await expect(answerRunpod(() => Promise.reject(new Error('bug')), {}, never)).rejects.toThrow('bug');
  });
});
