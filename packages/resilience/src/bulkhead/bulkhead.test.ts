import * as fc from 'fast-check';
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Bulkhead, type BulkheadOptions } from './bulkhead.ts';
import { createFakeClock } from '../testing.ts';

const clock = createFakeClock();

/** A job that ends when told to, and tells when it began. */
function gate(): { job: () => Promise<string>; open: () => void; fail: () => void; began: () => boolean } {
  const parts: { resolve?: () => void; reject?: () => void; began: boolean } = { began: false };
  const promise = new Promise<string>((resolve, reject) => {
    parts.resolve = () => resolve('done');
    parts.reject = () => reject(new Error('job failed'));
  });
  return {
    job: () => {
      parts.began = true;
      return promise;
    },
    open: () => parts.resolve?.(),
    fail: () => parts.reject?.(),
    began: () => parts.began,
  };
}

/** A bulkhead whose only slot is taken until `open`. */
function busy(overrides: Partial<BulkheadOptions> = {}) {
  const bulkhead = new Bulkhead({ maxConcurrent: 1, maxQueued: 10, ...overrides });
  const first = gate();
  return { bulkhead, open: first.open, fail: first.fail, running: bulkhead.run(first.job) };
}

describe('Bulkhead', () => {
  it('begins jobs at once while there are slots, and passes on how they end', async () => {
    const bulkhead = new Bulkhead({ maxConcurrent: 2, maxQueued: 0 });
    const { job, began, open } = gate();
    const done = bulkhead.run(job);
    expect(began()).toBe(true);
    open();
    await expect(done).resolves.toBe('done');
    await expect(bulkhead.submit(async () => 7)).resolves.toEqual({ kind: 'completed', value: 7 });
    await expect(bulkhead.submit(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(bulkhead.status()).toMatchObject({ running: 0, closed: false });
  });

  it('rejects what finds the queue full, as data or as an error', async () => {
    const { bulkhead, open, running } = busy({ maxQueued: 1 });
    const waiting = bulkhead.run(async () => 'waited');
    await expect(bulkhead.submit(async () => 1)).resolves.toEqual({ kind: 'rejected', reason: 'queue-full' });
    await expect(bulkhead.run(async () => 1)).rejects.toMatchObject({
      code: 'bulkhead-refused',
      reason: 'queue-full',
    });
    expect(bulkhead.status()).toEqual({ running: 1, queued: { high: 0, normal: 1, low: 0 }, closed: false });
    open();
    await running;
    await expect(waiting).resolves.toBe('waited');
  });

  it('hands a freed slot to the head of the queue before anyone who comes then', async () => {
    const { bulkhead, open, running } = busy();
    const order: string[] = [];
    const queued = bulkhead.run(async () => order.push('queued'));
    const overtaking = running.then(() => bulkhead.run(async () => order.push('newcomer')));
    open();
    await Promise.all([queued, overtaking]);
    expect(order).toEqual(['queued', 'newcomer']);
  });

  it('frees the slot of a job that fails or throws at once', async () => {
    const { bulkhead, fail, running } = busy();
    const throwing = bulkhead.run(() => {
      throw new Error('at once');
    });
    const last = bulkhead.run(async () => 'last');
    fail();
    await expect(running).rejects.toThrow('job failed');
    await expect(throwing).rejects.toThrow('at once');
    await expect(last).resolves.toBe('last');
    expect(bulkhead.status().running).toBe(0);
  });

  it('takes an aborted job out of the queue and leaves no listener', async () => {
    const { bulkhead, open } = busy();
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = bulkhead.submit(() => expect.unreachable(), { signal });
    const behind = bulkhead.run(async () => 'behind');
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    controller.abort();
    await expect(waiting).resolves.toEqual({ kind: 'rejected', reason: 'aborted' });
    expect(bulkhead.status().queued.normal).toBe(1);
    open();
    await expect(behind).resolves.toBe('behind');
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('stops listening when the job begins: a running job keeps its slot', async () => {
    const { bulkhead, open, running } = busy();
    const controller = new AbortController();
    const second = gate();
    const done = bulkhead.run(second.job, { signal: controller.signal });
    open();
    await running;
    expect(second.began()).toBe(true);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    controller.abort();
    expect(bulkhead.status().running).toBe(1);
    second.open();
    await expect(done).resolves.toBe('done');
  });

  it('does not begin a job whose signal is aborted already', async () => {
    const bulkhead = new Bulkhead({ maxConcurrent: 1, maxQueued: 1 });
    const outcome = await bulkhead.submit(() => expect.unreachable(), { signal: AbortSignal.abort() });
    expect(outcome).toEqual({ kind: 'rejected', reason: 'aborted' });
  });

  it('drains: takes nothing new, runs what waits, resolves at the last end', async () => {
    const { bulkhead, open } = busy();
    const second = gate();
    const waiting = bulkhead.run(second.job);
    let drained = false;
    const draining = bulkhead.drain().then(() => (drained = true));
    await expect(bulkhead.submit(async () => 1)).resolves.toEqual({ kind: 'rejected', reason: 'closed' });
    open();
    await clock.settle();
    expect([second.began(), drained]).toEqual([true, false]);
    second.open();
    await waiting;
    await draining;
    await expect(bulkhead.drain()).resolves.toBeUndefined();
  });

  it('closes: rejects what waits, resolves when what runs has ended', async () => {
    const { bulkhead, open, running } = busy();
    const waiting = bulkhead.submit(() => expect.unreachable(), { priority: 'low' });
    const closing = bulkhead.close();
    await expect(waiting).resolves.toEqual({ kind: 'rejected', reason: 'closed' });
    open();
    await running;
    await closing;
    expect(bulkhead.status()).toMatchObject({ running: 0, closed: true });
  });

  it.each<[string, Partial<BulkheadOptions>]>([
    ['maxConcurrent', { maxConcurrent: 0 }],
    ['maxQueued', { maxQueued: -1 }],
    ['ageAfterTurns', { ageAfterTurns: 0 }],
  ])('refuses %s out of range', (field, overrides) => {
    expect(() => busy(overrides)).toThrow(field);
  });

  it('never exceeds its caps, leaves no slot idle while jobs wait, and ends every job exactly once', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.constantFrom('high', 'normal', 'low').map((priority) => ({ priority }) as const),
      },
      { weight: 3, arbitrary: fc.nat().map((end) => ({ end })) },
      { weight: 1, arbitrary: fc.nat().map((abort) => ({ abort })) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(6),
        async (steps, maxConcurrent, maxQueued) => {
          const bulkhead = new Bulkhead({ maxConcurrent, maxQueued });
          const open: (() => void)[] = [];
          const controllers: AbortController[] = [];
          const ends: Promise<unknown>[] = [];
          let running = 0;
          let begun = 0;
          const job = async (): Promise<void> => {
            running += 1;
            begun += 1;
            expect(running).toBeLessThanOrEqual(maxConcurrent);
            await new Promise<void>((resolve) => open.push(resolve));
            running -= 1;
          };
          for (const move of steps) {
            if ('priority' in move) {
              const controller = new AbortController();
              controllers.push(controller);
              const request = { ...move, tenant: `t${controllers.length % 3}`, signal: controller.signal };
              ends.push(bulkhead.submit(job, request));
            } else if ('end' in move) open.splice(move.end % Math.max(1, open.length), 1)[0]?.();
            else controllers[move.abort % Math.max(1, controllers.length)]?.abort();
            await clock.settle();
            const { queued, running: counted } = bulkhead.status();
            const waiting = queued.high + queued.normal + queued.low;
            expect(counted).toBe(running);
            expect(waiting).toBeLessThanOrEqual(maxQueued);
            expect(waiting === 0 || running === maxConcurrent).toBe(true);
          }
          const drained = bulkhead.drain();
          while (bulkhead.status().running > 0) {
            open.shift()?.();
            await clock.settle();
          }
          await drained;
          const outcomes = (await Promise.all(ends)) as { readonly kind: string }[];
          expect(outcomes.filter(({ kind }) => kind === 'completed')).toHaveLength(begun);
        },
      ),
    );
  });
});
