import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BALANCING } from '../manager/manager-config.ts';
import type { BalancedRequest, Candidate } from './candidate.ts';
import { createBalancer } from './create-balancer.ts';

const REQUEST: BalancedRequest = { model: 'jenny', priority: 'normal' };
const candidate = (id: string, queueDepth: number, model?: string): Candidate => ({
  id,
  queueDepth,
  responseTimeMs: 50,
  successRate: 1,
  model,
});

const candidates = fc
  .uniqueArray(
    fc.record({
      id: fc.nat(30).map((number) => `worker-${number}`),
      queueDepth: fc.nat(50),
      responseTimeMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
      successRate: fc.double({ min: 0, max: 1, noNaN: true }),
      model: fc.option(fc.constantFrom('jenny', 'thorsten'), { nil: undefined }),
    }),
    { selector: ({ id }) => id, minLength: 1 },
  )
  .map((list) => list as [Candidate, ...Candidate[]]);
const requests: fc.Arbitrary<BalancedRequest> = fc.record({
  model: fc.constantFrom('jenny', 'thorsten'),
  priority: fc.constantFrom('high', 'normal', 'low' as const),
});

describe.each(BALANCING)('%s', (name) => {
  it('chooses one of the candidates, always', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(candidates, requests)), (turns) => {
        const choose = createBalancer(name);
        for (const [list, request] of turns) expect(list).toContain(choose(list, request));
      }),
    );
  });
});

describe('least-connections', () => {
  it('seed 004: takes the shortest queue, and the first of equals', () => {
    const choose = createBalancer('least-connections');
    const [long, short, same] = [candidate('a', 3), candidate('b', 1), candidate('c', 1)];
    expect(choose([long, short, same], REQUEST)).toBe(short);
  });
});

describe('model-affinity', () => {
  const choose = createBalancer('model-affinity');
  const [match, longer] = [candidate('a', 1, 'jenny'), candidate('b', 9, 'jenny')];
  const [empty, other] = [candidate('c', 0), candidate('d', 0, 'thorsten')];

  it('seed 004: prefers the model in memory, and among those the shortest queue', () => {
    expect(choose([other, empty, longer, match], REQUEST)).toBe(match);
    expect(choose([other, empty, longer], REQUEST)).toBe(longer);
  });

  it('then one that has to drop no model, then any', () => {
    expect(choose([other, { ...empty, queueDepth: 4 }], REQUEST).id).toBe('c');
    expect(choose([other], REQUEST)).toBe(other);
  });
});
