import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BalancedRequest, Candidate } from './candidate.ts';
import { createRoundRobin } from './round-robin.ts';

const REQUEST: BalancedRequest = { model: 'jenny', priority: 'normal' };
const worker = (number: number): Candidate => ({
  id: `worker-${number}`,
  queueDepth: 0,
  responseTimeMs: 0,
  successRate: 1,
  model: undefined,
});
const [one, two, three, ten] = [worker(1), worker(2), worker(3), worker(10)];

describe('createRoundRobin', () => {
  it('gives each its turn, in the order of the numbers, whatever the order of the list', () => {
    const choose = createRoundRobin();
    const turns = Array.from({ length: 5 }, () => choose([ten, three, one, two], REQUEST).id);
    expect(turns).toEqual(['worker-1', 'worker-2', 'worker-3', 'worker-10', 'worker-1']);
  });

  it('goes on where it was when some are busy, gone or new', () => {
    const choose = createRoundRobin();
    expect(choose([one, two, three], REQUEST)).toBe(one);
    expect(choose([one, three], REQUEST)).toBe(three);
    expect(choose([two], REQUEST)).toBe(two);
    expect(choose([one, two, ten], REQUEST)).toBe(ten);
    expect(choose([two, three], REQUEST)).toBe(two);
  });

  it('passes nobody over who is there all the time, however the others come and go', () => {
    const steady = worker(5);
    const others = fc.subarray([1, 2, 3, 4, 6, 7, 8, 10].map(worker));
    fc.assert(
      fc.property(fc.array(others, { minLength: 1, maxLength: 100 }), (turns) => {
        const choose = createRoundRobin();
        let waited = 0;
        for (const present of turns) {
          waited = choose([steady, ...present], REQUEST) === steady ? 0 : waited + 1;
          expect(waited).toBeLessThanOrEqual(8);
        }
      }),
    );
  });
});
