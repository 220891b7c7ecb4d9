import * as fc from 'fast-check';
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { DEFAULT_MAX_RETRY_AFTER_MS } from './retry.ts';
import { type RetryOptions, type RetryOutcome, retry, retryOrThrow } from './retry.ts';
import { createFakeClock } from './testing.ts';

class CallError extends Error {
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(retryable: boolean, retryAfterMs?: number) {
    super('call failed');
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
  }
}

function setup(overrides: Partial<RetryOptions> = {}) {
  const clock = createFakeClock();
  const options: RetryOptions = {
    maxAttempts: 4,
    backoff: { kind: 'exponential', initialMs: 1_000, maxMs: 60_000, jitter: 'none' },
    classify: (error) => error as CallError,
    clock,
    random: () => 0,
    ...overrides,
  };
  return { clock, options };
}

type Step = 'ok' | CallError;

/** Runs the script to its end and tells when each attempt began. */
async function play(script: readonly Step[], options: RetryOptions, clock = createFakeClock()) {
  const beganMs: number[] = [];
  const running = retry(
    async ({ attempt }) => {
      beganMs.push(clock.now());
      expect(attempt).toBe(beganMs.length);
      const step = script[attempt - 1];
      if (step instanceof CallError) throw step;
      return step;
    },
    { ...options, clock },
  );
  await clock.advanceAsync(10_000_000);
  return { outcome: await running, beganMs };
}

describe('retry', () => {
  it('tries again after each delay until it succeeds', async () => {
    const { clock, options } = setup();
    const failed = new CallError(true);
    const { outcome, beganMs } = await play([failed, failed, failed, 'ok'], options, clock);
    expect(outcome).toEqual({ kind: 'succeeded', value: 'ok', attempts: 4 });
    expect(beganMs).toEqual([0, 1_000, 3_000, 7_000]);
  });

  it('waits at least as long as Retry-After asks, and no less than its own delay', async () => {
    const { clock, options } = setup();
    const script = [new CallError(true, 30_000), new CallError(true, 500), 'ok'] as const;
    const { beganMs } = await play(script, options, clock);
    expect(beganMs).toEqual([0, 30_000, 32_000]);
  });

  it('stops instead of waiting for a Retry-After that is too long', async () => {
    const { clock, options } = setup();
    const { outcome } = await play([new CallError(true, DEFAULT_MAX_RETRY_AFTER_MS + 1)], options, clock);
    expect(outcome).toMatchObject({ kind: 'deadline', attempts: 1, retryAfterMs: 120_001 });
  });

  it('begins no wait that would pass its budget', async () => {
    const { clock, options } = setup({ budgetMs: 2_500 });
    const failed = new CallError(true);
    const { outcome, beganMs } = await play([failed, failed, failed, 'ok'], options, clock);
    expect(outcome).toMatchObject({ kind: 'deadline', attempts: 2, lastError: failed });
    expect(beganMs).toEqual([0, 1_000]);
  });

  it('reports every wait before it begins', async () => {
    const notices: unknown[] = [];
    const { clock, options } = setup({ onRetry: (notice) => notices.push(notice) });
    const failed = new CallError(true);
    await play([failed, failed, 'ok'], options, clock);
    expect(notices).toEqual([
      { attempt: 1, error: failed, delayMs: 1_000 },
      { attempt: 2, error: failed, delayMs: 2_000 },
    ]);
  });

  it('does not begin when the signal is aborted already', async () => {
    const { options } = setup({ signal: AbortSignal.abort('early') });
    const outcome = await retry(() => expect.unreachable(), options);
    expect(outcome).toEqual({ kind: 'aborted', attempts: 0, lastError: 'early', retryAfterMs: undefined });
  });

  it('ends in the middle of a wait, leaving neither a timer nor a listener', async () => {
    const controller = new AbortController();
    const listeners = (): number => getEventListeners(controller.signal, 'abort').length;
    const { clock, options } = setup({ signal: controller.signal });
    const running = retry(() => Promise.reject(new CallError(true)), options);
    await clock.advanceAsync(500);
    expect(clock.pendingTimers).toBe(1);
    controller.abort('enough');
    expect(await running).toMatchObject({ kind: 'aborted', attempts: 1, lastError: 'enough' });
    expect(clock.pendingTimers).toBe(0);
    expect(listeners()).toBe(0);
  });

  it('ends in the middle of an attempt that ignores the signal', async () => {
    const controller = new AbortController();
    const { clock, options } = setup({ signal: controller.signal });
    const call: { fail?: (error: unknown) => void } = {};
    const running = retry(() => new Promise<never>((_, reject) => (call.fail = reject)), options);
    await clock.settle();
    controller.abort('enough');
    expect(await running).toMatchObject({ kind: 'aborted', attempts: 1 });
    call.fail?.(new Error('too late: must not be an unhandled rejection'));
    await clock.settle();
  });

  it('takes an operation that throws at once for one that rejects', async () => {
    const { options } = setup({ maxAttempts: 1 });
    const error = new CallError(true);
    const throwing = (): Promise<never> => {
      throw error;
    };
    expect(await retry(throwing, options)).toMatchObject({
      kind: 'exhausted',
      attempts: 1,
      lastError: error,
    });
  });

  it('refuses options out of range, by name', () => {
    const { options } = setup();
    expect(() => retry(async () => 1, { ...options, maxAttempts: 0 })).toThrow('maxAttempts');
    expect(() => retry(async () => 1, { ...options, budgetMs: -1 })).toThrow('budgetMs');
  });

  it('behaves like its model', async () => {
    const steps = fc.oneof(
      fc.constant('ok' as const),
      fc
        .tuple(fc.boolean(), fc.option(fc.integer({ min: 0, max: 200_000 }), { nil: undefined }))
        .map(([retryable, retryAfterMs]) => new CallError(retryable, retryAfterMs)),
      fc.constant(new CallError(true)),
    );
    const scripts = fc.array(steps, { minLength: 6, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        scripts,
        fc.integer({ min: 1, max: 6 }),
        fc.option(fc.integer({ min: 0, max: 35_000 }), { nil: undefined }),
        async (script, maxAttempts, budgetMs) => {
          const { clock, options } = setup({ maxAttempts, budgetMs });
          const { outcome, beganMs } = await play(script, options, clock);
          const expected = model(script, maxAttempts, budgetMs);
          expect(outcome.kind).toBe(expected.kind);
          expect(outcome.attempts).toBe(expected.beganMs.length);
          expect(beganMs).toEqual(expected.beganMs);
        },
      ),
    );
  });
});

function model(script: readonly Step[], maxAttempts: number, budgetMs = Number.POSITIVE_INFINITY) {
  const beganMs: number[] = [];
  let nowMs = 0;
  for (const step of script) {
    beganMs.push(nowMs);
    const end = (kind: RetryOutcome<unknown>['kind']) => ({ kind, beganMs });
    if (step === 'ok') return end('succeeded');
    if (!step.retryable) return end('not-retryable');
    if (beganMs.length === maxAttempts) return end('exhausted');
    const delayMs = Math.max(1_000 * 2 ** (beganMs.length - 1), step.retryAfterMs ?? 0);
    if ((step.retryAfterMs ?? 0) > 120_000 || nowMs + delayMs >= budgetMs) return end('deadline');
    nowMs += delayMs;
  }
  throw new Error('the script ended before the model');
}

describe('retryOrThrow', () => {
  it('gives the value, or throws the last error itself', async () => {
    const { options } = setup({ maxAttempts: 1 });
    const error = new CallError(true);
    await expect(retryOrThrow(async () => 7, options)).resolves.toBe(7);
    await expect(retryOrThrow(() => Promise.reject(error), options)).rejects.toBe(error);
  });

  it('throws the reason of the signal', async () => {
    const { options } = setup({ signal: AbortSignal.abort('early') });
    await expect(retryOrThrow(async () => 7, options)).rejects.toBe('early');
  });
});
