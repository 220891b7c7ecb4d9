import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallbackClient } from '@taleback/outbox/src/callback-message.ts';
import { createProgressReporter } from './notify.ts';

const SUBJECT = { storyId: 's1', jobId: 'j1', userId: undefined, voiceId: undefined };
const URL = 'https://app.example/api/tts/callback';

const stage = () => {
  const told: unknown[] = [];
  const deliver: CallbackClient['deliver'] = ({ payload }) => {
    told.push(payload);
    return Promise.resolve({ kind: 'delivered', attempts: 1 });
  };
  const client = { deliver, deliverOnce: deliver };
  return { told, reporter: createProgressReporter(client, URL, SUBJECT, Date.now) };
};

describe('createProgressReporter', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('tells a state again every 30 seconds while nothing new happens', async () => {
    const { told, reporter } = stage();
    reporter.report('synthesizing', 0.25);
    await vi.advanceTimersByTimeAsync(95_000);
    expect(told).toHaveLength(4);
    expect(new Set(told.map((payload) => JSON.stringify(payload))).size).toBe(1);
    await reporter.close();
  });

  it('leaves a job alone that has stood still for a quarter of an hour', async () => {
    const { told, reporter } = stage();
    reporter.report('storing', 0.95);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(told).toHaveLength(30);
    reporter.report('storing', 0.96);
    await vi.advanceTimersByTimeAsync(35_000);
    expect(told).toHaveLength(32);
    await reporter.close();
  });

  it('tells nothing after the end', async () => {
    const { told, reporter } = stage();
    reporter.report('synthesizing', 0.25);
    await reporter.close();
    reporter.report('synthesizing', 0.5);
    await vi.advanceTimersByTimeAsync(95_000);
    expect(told).toHaveLength(1);
  });

  it('tells the newest of what came too fast, and each stage at once', async () => {
    const { told, reporter } = stage();
    for (const progress of [0.1, 0.2, 0.3]) {
      reporter.report('synthesizing', progress);
      await vi.advanceTimersByTimeAsync(100);
    }
    reporter.report('uploading', 0.9);
    await vi.advanceTimersByTimeAsync(100);
    expect(told).toMatchObject([{ progress: 0.1 }, { progress: 0.9 }]);
    await reporter.close();
  });
});
