import * as fc from 'fast-check';
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { tryWithDeadline, withDeadline } from './deadline.ts';
import { type FakeClock, createFakeClock } from './testing.ts';

const never = (): Promise<never> => new Promise(() => {});

/** A call that takes `ms` on this clock, whatever its signal says. */
function lasting(clock: FakeClock, ms: number): () => Promise<string> {
  return () => new Promise((resolve) => clock.setTimer(() => resolve('done'), ms));
}

describe('withDeadline', () => {
  it('settles as the call does, and leaves neither a timer nor a listener', async () => {
    const clock = createFakeClock();
    const { signal } = new AbortController();
    await expect(withDeadline(async () => 7, 50, { clock, signal })).resolves.toBe(7);
    const failing = withDeadline(() => Promise.reject(new Error('no')), 50, { clock, signal });
    await expect(failing).rejects.toThrow('no');
    const throwing = withDeadline(
      () => {
        throw new Error('at once');
      },
      50,
      { clock, signal },
    );
    await expect(throwing).rejects.toThrow('at once');
    expect(clock.pendingTimers).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('ends a call that ignores its signal, and aborts that signal with the same error', async () => {
    const clock = createFakeClock();
    const seen: { signal?: AbortSignal } = {};
    const ended = withDeadline(
      (signal) => {
        seen.signal = signal;
        return never();
      },
      50,
      { clock },
    ).catch((error: unknown) => error);
    clock.advance(49);
    expect(seen.signal?.aborted).toBe(false);
    clock.advance(1);
    expect(seen.signal?.reason).toBe(await ended);
    expect(await ended).toMatchObject({ code: 'deadline-exceeded', category: 'timeout', timeoutMs: 50 });
  });

  it('ends with the reason of the outer signal, also the inner signal', async () => {
    const clock = createFakeClock();
    const outer = new AbortController();
    const seen: { signal?: AbortSignal } = {};
    const ended = withDeadline(
      (signal) => {
        seen.signal = signal;
        return never();
      },
      50,
      { clock, signal: outer.signal },
    );
    outer.abort('enough');
    await expect(ended).rejects.toBe('enough');
    expect(seen.signal?.reason).toBe('enough');
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not begin when the outer signal is aborted already', async () => {
    const signal = AbortSignal.abort('early');
    await expect(withDeadline(() => expect.unreachable(), 50, { signal })).rejects.toBe('early');
  });

  it('sets no timer without a limit', async () => {
    const clock = createFakeClock();
    const done = withDeadline(lasting(clock, 10), Number.POSITIVE_INFINITY, { clock });
    expect(clock.pendingTimers).toBe(1);
    clock.advance(10);
    await expect(done).resolves.toBe('done');
  });

  it('drops what a call does after its time', async () => {
    const clock = createFakeClock();
    const late: { reject?: (error: unknown) => void } = {};
    const ended = withDeadline(() => new Promise<never>((_, reject) => (late.reject = reject)), 50, {
      clock,
    });
    clock.advance(50);
    await expect(ended).rejects.toMatchObject({ code: 'deadline-exceeded' });
    late.reject?.(new Error('too late: must not be an unhandled rejection'));
    await clock.settle();
  });

  it('ends by whichever comes first: the call, the time or the signal', async () => {
    const times = fc.uniqueArray(fc.integer({ min: 1, max: 1_000 }), { minLength: 3, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(times, async ([callMs = 0, timeoutMs = 0, abortMs = 0]) => {
        const clock = createFakeClock();
        const controller = new AbortController();
        clock.setTimer(() => controller.abort(), abortMs);
        const ending = tryWithDeadline(lasting(clock, callMs), timeoutMs, {
          clock,
          signal: controller.signal,
        });
        await clock.advanceAsync(1_000);
        const first = Math.min(callMs, timeoutMs, abortMs);
        const expected = first === callMs ? 'completed' : first === timeoutMs ? 'timed-out' : 'aborted';
        expect((await ending).kind).toBe(expected);
      }),
    );
  });

  it('refuses a timeout that is none', () => {
    expect(() => withDeadline(never, 0)).toThrow('timeoutMs');
    expect(() => withDeadline(never, Number.NaN)).toThrow('timeoutMs');
  });
});

describe('tryWithDeadline', () => {
  it('tells its own end from that of a deadline around or inside it', async () => {
    const clock = createFakeClock();
    const inside = tryWithDeadline(() => withDeadline(never, 10, { clock }), 50, { clock });
    const outside = withDeadline((signal) => tryWithDeadline(never, 50, { clock, signal }), 10, { clock });
    const expected = { code: 'deadline-exceeded', timeoutMs: 10 };
    const ends = Promise.allSettled([inside, outside]);
    await clock.advanceAsync(10);
    const rejected = { status: 'rejected', reason: expected };
    expect(await ends).toMatchObject([rejected, rejected]);
  });

  it("does not take the call's own failure for an abort that follows it", async () => {
    const controller = new AbortController();
    const failing = Promise.reject(new Error('own'));
    const ending = tryWithDeadline(() => failing, 50, { signal: controller.signal });
    await Promise.resolve();
    controller.abort();
    await expect(ending).rejects.toThrow('own');
  });

  it('gives the reason of an abort as data', async () => {
    const ended = await tryWithDeadline(never, 50, { signal: AbortSignal.abort('early') });
    expect(ended).toEqual({ kind: 'aborted', reason: 'early' });
  });
});
