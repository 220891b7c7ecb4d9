import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProgressReporter } from './progress.ts';
import type { CallbackClient } from './report.ts';

const JOB = { storyId: 's1', jobId: 'j1', callbackUrl: 'https://app.example/api/tts/callback' };

const open = (delivery: Awaited<ReturnType<CallbackClient['deliver']>> = { kind: 'delivered' }) => {
  const sent: unknown[] = [];
  const deliver: CallbackClient['deliver'] = ({ payload }) => {
    sent.push(payload);
    return Promise.resolve(delivery);
  };
  const client = { deliver, deliverOnce: deliver };
  return { sent, reporter: createProgressReporter(client, JOB, Date.now) };
};

describe('createProgressReporter', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('sends a state again every 30 seconds while nothing new happens', async () => {
    const { sent, reporter } = open();
    reporter.report('synthesizing', 0.25);
    await vi.advanceTimersByTimeAsync(95_000);
    expect(sent).toHaveLength(4);
    expect(new Set(sent.map((payload) => JSON.stringify(payload))).size).toBe(1);
    await reporter.close();
  });

  it('stops for a job that did not move for a quarter of an hour', async () => {
    const { sent, reporter } = open();
    reporter.report('storing', 0.95);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(sent).toHaveLength(30);
    reporter.report('storing', 0.96);
    await vi.advanceTimersByTimeAsync(35_000);
    expect(sent).toHaveLength(32);
    await reporter.close();
  });

  it.each([
    [
      'ends the job of a story that was deleted',
      '{"success":false,"code":"story_deleted","error":"…"}',
      true,
    ],
    [
      'goes on when the receiver knows no such story: it may be that of another deployment',
      '{"success":false,"error":"story_id: there is no story \\"s1\\""}',
      false,
    ],
    ["goes on after a proxy's 404", '<html>Not Found</html>', false],
  ])('%s', async (_what, excerpt, isUnwanted) => {
    const { reporter } = open({ kind: 'refused', excerpt });
    reporter.report('synthesizing', 0.25);
    await reporter.close();
    expect(reporter.unwanted.aborted).toBe(isUnwanted);
  });

  it('sends nothing after the end', async () => {
    const { sent, reporter } = open();
    reporter.report('synthesizing', 0.25);
    await reporter.close();
    reporter.report('synthesizing', 0.5);
    await vi.advanceTimersByTimeAsync(95_000);
    expect(sent).toHaveLength(1);
  });

  it('sends the newest of what came too fast, and each stage at once', async () => {
    const { sent, reporter } = open();
    for (const progress of [0.1, 0.2, 0.3]) {
      reporter.report('synthesizing', progress);
      await vi.advanceTimersByTimeAsync(100);
    }
    reporter.report('uploading', 0.9);
    await vi.advanceTimersByTimeAsync(100);
    expect(sent).toMatchObject([{ progress: 0.1 }, { progress: 0.9 }]);
    await reporter.close();
  });
});
