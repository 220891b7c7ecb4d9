import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Pass, RequestGate } from './request-gate.ts';

const told = (maximum: number, current: number) => ({ maximum, current });
const NOTHING = { maximum: undefined, current: undefined };

/** Lets promises that are settled tell it. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const enterAll = (gate: RequestGate, count: number): { readonly passes: Pass[] } => {
  const passes: Pass[] = [];
  for (let entered = 0; entered < count; entered += 1) {
    void gate.enter(undefined).then((pass) => passes.push(pass));
  }
  return { passes };
};

describe('RequestGate', () => {
  test('lets out as many as its limit, then the first that waits', async () => {
    const gate = new RequestGate(2);
    const { passes } = enterAll(gate, 4);
    await settle();
    expect(passes).toHaveLength(2);
    passes[0]?.leave();
    await settle();
    expect(passes).toHaveLength(3);
    passes[1]?.leave();
    passes[2]?.leave();
    await settle();
    expect(passes).toHaveLength(4);
  });

  test('obeys a new limit at once, up and down', async () => {
    const gate = new RequestGate(2);
    const { passes } = enterAll(gate, 6);
    await settle();
    gate.granted(told(4, 2), passes[0] as Pass);
    await settle();
    expect([gate.limit, passes.length]).toEqual([4, 4]);
    gate.granted(told(1, 1), passes[0] as Pass);
    for (const pass of passes.slice(0, 3)) pass.leave();
    await settle();
    expect([gate.limit, passes.length]).toEqual([1, 4]);
    passes[3]?.leave();
    await settle();
    expect(passes).toHaveLength(5);
  });

  test('leaves room for the requests of others, and always keeps one place', async () => {
    const gate = new RequestGate(3);
    const pass = await gate.enter(undefined);
    gate.granted(told(5, 4), pass);
    expect(gate.limit).toBe(2);
    gate.granted(told(5, 9), pass);
    expect(gate.limit).toBe(1);
    gate.granted(told(5, 1), pass);
    expect(gate.limit).toBe(5);
  });

  test('does not take its own requests, which have ended since, for others', async () => {
    const gate = new RequestGate(3);
    const { passes } = enterAll(gate, 3);
    await settle();
    passes[1]?.leave();
    passes[2]?.leave();
    // Counted when all three were out.
    gate.granted(told(3, 3), passes[0] as Pass);
    expect(gate.limit).toBe(3);
  });

  test('after a refusal counts the others by what was said, else takes one place less', async () => {
    const gate = new RequestGate(3);
    const { passes } = enterAll(gate, 3);
    await settle();
    gate.refused(told(4, 4), passes[2] as Pass);
    expect(gate.limit).toBe(2);
    gate.refused(NOTHING, passes[2] as Pass);
    expect(gate.limit).toBe(1);
    gate.refused(NOTHING, passes[2] as Pass);
    expect(gate.limit).toBe(1);
  });

  test('rises again slowly, not beyond where it began', async () => {
    const gate = new RequestGate(2);
    const pass = await gate.enter(undefined);
    gate.refused(NOTHING, pass);
    for (let count = 0; count < 15; count += 1) gate.granted(NOTHING, pass);
    expect(gate.limit).toBe(1);
    gate.granted(NOTHING, pass);
    expect(gate.limit).toBe(2);
    for (let count = 0; count < 50; count += 1) gate.granted(NOTHING, pass);
    expect(gate.limit).toBe(2);
  });

  test('one that gives up leaves the queue and no listener', async () => {
    const gate = new RequestGate(1);
    const first = await gate.enter(undefined);
    const stop = new AbortController();
    const waiting = gate.enter(stop.signal);
    const { passes } = enterAll(gate, 1);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'job_cancelled' });
    first.leave();
    await settle();
    expect(passes).toHaveLength(1);
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
    await expect(gate.enter(stop.signal)).rejects.toMatchObject({ code: 'job_cancelled' });
  });

  test('never has more out than its limit, and loses no one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.boolean(), { maxLength: 30 }),
        async (maximum, aborts) => {
          const gate = new RequestGate(1);
          let out = 0;
          const runOne = async (isAborted: boolean): Promise<void> => {
            const stop = new AbortController();
            const entering = gate.enter(stop.signal);
            if (isAborted) queueMicrotask(() => stop.abort());
            const pass = await entering.catch(() => undefined);
            if (pass === undefined) return;
            out += 1;
            expect(out).toBeLessThanOrEqual(maximum);
            await settle();
            gate.granted(told(maximum, out), pass);
            out -= 1;
            pass.leave();
          };
          await Promise.all(aborts.map(runOne));
          expect(out).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});
