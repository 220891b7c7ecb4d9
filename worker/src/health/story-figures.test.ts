import { createFakeClock } from '@taleback/resilience/testing';
import { expect, it } from 'vitest';
import { createStoryFigures } from './story-figures.ts';

const ready = {
  status: 'success',
  audio_url: 'https://audio.example/a.mp3',
  storage_path: 'a.mp3',
  duration_ms: 1,
  generation_time: 1,
} as const;
const failed = (error_type: 'model_failed' | 'job_cancelled') =>
  ({ status: 'error', error: 'x', error_type, retryable: true, generation_time: 1 }) as const;

it('rates the stories of the last hour, and counts all', () => {
  const clock = createFakeClock();
  const { count, figures } = createStoryFigures(clock);
  expect(figures()).toEqual({ ready: 0, failed: 0, successRate: null });
  count(failed('model_failed'));
  clock.advance(3_599_999);
  for (let story = 0; story < 3; story += 1) count(ready);
  count(failed('job_cancelled'));
  expect(figures()).toEqual({ ready: 3, failed: 1, successRate: 0.75 });
  clock.advance(1);
  expect(figures()).toEqual({ ready: 3, failed: 1, successRate: 1 });
});
