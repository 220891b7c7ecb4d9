import { TalebackError } from '@taleback/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { orderedAhead } from './speak-text.ts';

/** Work whose ends the test decides. */
const gatedWork = () => {
  const gates = new Map<number, { pass: () => void; fail: (error: unknown) => void; signal: AbortSignal }>();
  const work = (item: number, signal: AbortSignal): Promise<number> =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      gates.set(item, { pass: () => resolve(item * 10), fail: reject, signal });
    });
  const gate = (item: number) => {
    const found = gates.get(item);
    if (found === undefined) throw new Error(`item ${item} has not begun`);
    return found;
  };
  return { work, gate, begun: () => [...gates.keys()] };
};

const collect = async <Value>(source: AsyncIterable<Value>): Promise<Value[]> => {
  const values: Value[] = [];
  for await (const value of source) values.push(value);
  return values;
};

describe('orderedAhead', () => {
  test('gives results in the order of the items, whatever order they end in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(5), { maxLength: 30 }),
        fc.integer({ min: 1, max: 8 }),
        async (turns, ahead) => {
          let running = 0;
          let most = 0;
          const work = async (turnCount: number): Promise<number> => {
            running += 1;
            most = Math.max(most, running);
            for (let turn = 0; turn < turnCount; turn += 1) await Promise.resolve();
            running -= 1;
            return turnCount;
          };
          expect(await collect(orderedAhead(turns, work, { ahead }))).toEqual(turns);
          expect(most).toBeLessThanOrEqual(ahead);
        },
      ),
    );
  });

  test('begins no more than it may run ahead, also when results wait to be taken', async () => {
    const { work, gate, begun } = gatedWork();
    const results = orderedAhead([0, 1, 2, 3, 4], work, { ahead: 2 });
    const first = results.next();
    gate(1).pass();
    expect(begun()).toEqual([0, 1]);
    gate(0).pass();
    expect(await first).toEqual({ done: false, value: 0 });
    expect(begun()).toEqual([0, 1]);
    expect(await results.next()).toEqual({ done: false, value: 10 });
    expect(begun()).toEqual([0, 1, 2]);
    await results.return();
  });

  test('throws the first failure at once and aborts the rest', async () => {
    const { work, gate, begun } = gatedWork();
    const ended = collect(orderedAhead([0, 1, 2, 3], work, { ahead: 3 }));
    const failure = new TalebackError('model_failed', 'It broke.');
    gate(2).fail(failure);
    await expect(ended).rejects.toBe(failure);
    expect(gate(0).signal.aborted).toBe(true);
    expect(begun()).toEqual([0, 1, 2]);
  });

  test('makes any failure one of ours', async () => {
    const { work, gate } = gatedWork();
    const ended = collect(orderedAhead([0], work, { ahead: 1 }));
    gate(0).fail(new Error('CUDA out of memory'));
    await expect(ended).rejects.toMatchObject({
      code: 'gpu_out_of_memory',
    });
  });

  test('ends with the reason of the caller', async () => {
    const { work, gate } = gatedWork();
    const stop = new AbortController();
    const ended = collect(orderedAhead([0, 1], work, { ahead: 2, signal: stop.signal }));
    stop.abort();
    await expect(ended).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(gate(1).signal.aborted).toBe(true);
  });

  test('begins nothing for a caller that has left', async () => {
    const { work, begun } = gatedWork();
    const ended = collect(orderedAhead([0], work, { ahead: 1, signal: AbortSignal.abort() }));
    await expect(ended).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(begun()).toEqual([]);
  });

  test('aborts what is under way when the loop is left early', async () => {
    const { work, gate } = gatedWork();
    const results = orderedAhead([0, 1], work, { ahead: 2 });
    const first = results.next();
    gate(0).pass();
    await first;
    await results.return();
    expect(gate(1).signal.aborted).toBe(true);
  });
});
