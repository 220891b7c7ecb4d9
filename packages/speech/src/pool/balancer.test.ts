import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BALANCING } from './pool-config.ts';
import { type BalancedRequest, type Candidate, createBalancer, weightedScore } from './balancer.ts';

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
  it('takes the shortest queue, and the first of equals', () => {
    const choose = createBalancer('least-connections');
    const [long, short, same] = [candidate('a', 3), candidate('b', 1), candidate('c', 1)];
    expect(choose([long, short, same], REQUEST)).toBe(short);
  });
});

describe('model-affinity', () => {
  const choose = createBalancer('model-affinity');
  const [match, longer] = [candidate('a', 1, 'jenny'), candidate('b', 9, 'jenny')];
  const [empty, other] = [candidate('c', 0), candidate('d', 0, 'thorsten')];

  it('prefers the model in memory, and among those the shortest queue', () => {
    expect(choose([other, empty, longer, match], REQUEST)).toBe(match);
    expect(choose([other, empty, longer], REQUEST)).toBe(longer);
  });

  it('then one that has to drop no model, then any', () => {
    expect(choose([other, { ...empty, queueDepth: 4 }], REQUEST).id).toBe('c');
    expect(choose([other], REQUEST)).toBe(other);
  });
});

const worker = (number: number): Candidate => ({
  id: `worker-${number}`,
  queueDepth: 0,
  responseTimeMs: 0,
  successRate: 1,
  model: undefined,
});
const [one, two, three, ten] = [worker(1), worker(2), worker(3), worker(10)];

describe('round-robin', () => {
  it('gives each its turn, in the order of the numbers, whatever the order of the list', () => {
    const choose = createBalancer('round-robin');
    const turns = Array.from({ length: 5 }, () => choose([ten, three, one, two], REQUEST).id);
    expect(turns).toEqual(['worker-1', 'worker-2', 'worker-3', 'worker-10', 'worker-1']);
  });

  it('goes on where it was when some are busy, gone or new', () => {
    const choose = createBalancer('round-robin');
    expect(choose([one, two, three], REQUEST)).toBe(one);
    expect(choose([one, three], REQUEST)).toBe(three);
    expect(choose([two], REQUEST)).toBe(two);
    expect(choose([one, two, ten], REQUEST)).toBe(ten);
    expect(choose([two, three], REQUEST)).toBe(two);
  });

  it('passes no one over who is there all the time, however the others come and go', () => {
    const steady = worker(5);
    const others = fc.subarray([1, 2, 3, 4, 6, 7, 8, 10].map(worker));
    fc.assert(
      fc.property(fc.array(others, { minLength: 1, maxLength: 100 }), (turns) => {
        const choose = createBalancer('round-robin');
        let waited = 0;
        for (const present of turns) {
          waited = choose([steady, ...present], REQUEST) === steady ? 0 : waited + 1;
          expect(waited).toBeLessThanOrEqual(8);
        }
      }),
    );
  });
});

const idle = (change: Partial<Candidate> = {}): Candidate => ({
  id: 'worker-1',
  queueDepth: 0,
  responseTimeMs: 0,
  successRate: 0,
  model: 'other',
  ...change,
});
const BASE = 100 - 10;

const scoreOf = (change: Partial<Candidate>, request: Partial<BalancedRequest> = {}): number =>
  weightedScore(idle(change), { ...REQUEST, ...request });

describe('weightedScore', () => {
  it('weighted score term by term', () => {
    expect(scoreOf({})).toBe(BASE);
    expect(scoreOf({ queueDepth: 1 })).toBe(BASE - 10);
    expect(scoreOf({ queueDepth: 7 })).toBe(BASE - 70);
    expect(scoreOf({ responseTimeMs: 10 })).toBe(BASE - 1);
    expect(scoreOf({ responseTimeMs: 250 })).toBe(BASE - 25);
    expect(scoreOf({ successRate: 1 })).toBe(BASE + 20);
    expect(scoreOf({ successRate: 0.5 })).toBe(BASE + 10);
    expect(scoreOf({ model: 'jenny' })).toBe(BASE + 10 + 30);
    expect(scoreOf({ model: undefined })).toBe(BASE);
    expect(scoreOf({}, { priority: 'high' })).toBe(BASE + 25);
    expect(scoreOf({}, { priority: 'low' })).toBe(BASE);
  });
});

const workers = (...models: (string | undefined)[]) =>
  models.map((model, index) => idle({ id: `worker-${index + 1}`, model })) as [Candidate, ...Candidate[]];

describe('weighted', () => {
  const weighted = createBalancer('weighted');

  it('gives a tie to the worker that used the model last, else to one without a model', () => {
    const choose = createBalancer('weighted');
    const chosen = (model: string, ...models: (string | undefined)[]) =>
      choose(workers(...models), { ...REQUEST, model }).id;
    expect(chosen('jenny', undefined, undefined)).toBe('worker-1');
    expect(chosen('alan', 'jenny', undefined)).toBe('worker-2');
    expect(chosen('jenny', 'jenny', 'alan')).toBe('worker-1');
    expect(chosen('alan', 'alan', 'alan')).toBe('worker-2');
    expect(chosen('nora', 'alan', 'jenny')).toBe('worker-1');
  });

  it('takes the highest score, and the first of equals', () => {
    const slow = idle({ id: 'slow', responseTimeMs: 100 });
    const quick = idle({ id: 'quick' });
    const same = idle({ id: 'same' });
    expect(weighted([slow, quick, same], REQUEST).id).toBe('quick');
    const loaded = idle({ id: 'loaded', model: 'jenny', queueDepth: 3 });
    expect(weighted([quick, loaded], REQUEST).id).toBe('loaded');
    expect(weighted([quick, { ...loaded, queueDepth: 5 }], REQUEST).id).toBe('quick');
  });
});
