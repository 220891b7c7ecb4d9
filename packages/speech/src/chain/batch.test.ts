import { TalebackError } from '@taleback/core';
import { createFakeClock } from '@taleback/resilience/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchItem, runBatch } from './batch.ts';

const now = (): number => 0;
const double = async (input: number): Promise<number> => {
  if (input < 0) throw new TalebackError('text_not_speakable', 'It is below zero.');
  if (input > 99) throw new Error('connect ECONNREFUSED');
  return input * 2;
};

const throwAtOnce = (): Promise<never> => {
  throw new Error('no promise at all');
};

describe('runBatch', () => {
  it('one failure never stops the rest', async () => {
    const report = await runBatch([1, -1, 2, 100, -3, 3], double, { now });
    expect(report).toMatchObject({
      total: 6,
      done: 3,
      failed: 3,
      skipped: 0,
      errorsByType: { text_not_speakable: 2, network_unreachable: 1 },
    });
    expect(report.items.map(({ outcome }) => outcome)).toEqual([
      'done',
      'failed',
      'done',
      'failed',
      'failed',
      'done',
    ]);
    expect(report.items[5]).toEqual({ index: 5, input: 3, outcome: 'done', output: 6, elapsedMs: 0 });
    expect(report.items[1]).toMatchObject({
      error: { code: 'text_not_speakable', message: 'It is below zero.' },
    });
  });

  it('takes work that throws at once for a failure too', async () => {
    expect(await runBatch([1, 2], throwAtOnce, { now })).toMatchObject({
      failed: 2,
      errorsByType: { internal: 2 },
    });
  });

  it('MAX_CONCURRENT_REQUESTS 3, or as many as it is given', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 20 }),
        fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
        async (turns, concurrency) => {
          let underway = 0;
          let most = 0;
          const order: number[] = [];
          const work = async (input: number): Promise<void> => {
            underway += 1;
            most = Math.max(most, underway);
            for (let turn = 0; turn < input; turn += 1) await Promise.resolve();
            underway -= 1;
          };
          const onItem = ({ index }: BatchItem<number, void>): void => void order.push(index);
          const report = await runBatch(turns, work, { concurrency, onItem, now });
          expect(most).toBe(Math.min(concurrency ?? 3, turns.length));
          expect(report.done).toBe(turns.length);
          expect(order.toSorted((a, b) => a - b)).toEqual(turns.map((_, index) => index));
        },
      ),
    );
  });

  it('begins nothing after a stop, and says what was left out', async () => {
    const stop = new AbortController();
    const seen: (AbortSignal | undefined)[] = [];
    const work = async (input: number, signal: AbortSignal | undefined): Promise<number> => {
      seen.push(signal);
      if (input === 2) stop.abort();
      signal?.throwIfAborted();
      return input;
    };
    const report = await runBatch([1, 2, 3, 4], work, { signal: stop.signal, concurrency: 1, now });
    expect(seen).toEqual([stop.signal, stop.signal]);
    expect(report).toMatchObject({ done: 1, failed: 1, skipped: 2, errorsByType: { job_cancelled: 1 } });
    expect(report.items[3]).toEqual({ index: 3, input: 4, outcome: 'skipped' });
  });

  it('measures each and the whole', async () => {
    const clock = createFakeClock(5_000);
    const wait = (ms: number): Promise<void> => new Promise((resolve) => clock.setTimer(resolve, ms));
    const running = runBatch([100, 40], wait, { concurrency: 1, now: () => clock.now() });
    await clock.advanceAsync(200);
    const report = await running;
    expect(report.elapsedMs).toBe(140);
    expect(report.items).toMatchObject([{ elapsedMs: 100 }, { elapsedMs: 40 }]);
  });

  it('has nothing to do for nothing', async () => {
    expect(await runBatch([], double, { now })).toEqual({
      total: 0,
      done: 0,
      failed: 0,
      skipped: 0,
      errorsByType: {},
      elapsedMs: 0,
      items: [],
    });
  });

  it.each([0, 1.5, Number.NaN])('refuses to do %d at once', async (concurrency) => {
    await expect(runBatch([1], double, { concurrency, now })).rejects.toThrow('concurrency');
  });
});
