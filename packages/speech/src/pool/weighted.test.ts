import { describe, expect, it } from 'vitest';
import type { BalancedRequest, Candidate } from './candidate.ts';
import { weighted, weightedScore } from './weighted.ts';

const candidate = (change: Partial<Candidate> = {}): Candidate => ({
  id: 'worker-1',
  queueDepth: 0,
  responseTimeMs: 0,
  successRate: 0,
  model: 'other',
  ...change,
});
const REQUEST: BalancedRequest = { model: 'jenny', priority: 'normal' };
const BASE = 100 - 10;

const scoreOf = (change: Partial<Candidate>, request: Partial<BalancedRequest> = {}): number =>
  weightedScore(candidate(change), { ...REQUEST, ...request });

describe('weightedScore', () => {
  it('seed 004: weighted score term by term', () => {
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

describe('weighted', () => {
  it('takes the highest score, and the first of equals', () => {
    const slow = candidate({ id: 'slow', responseTimeMs: 100 });
    const quick = candidate({ id: 'quick' });
    const same = candidate({ id: 'same' });
    expect(weighted([slow, quick, same], REQUEST).id).toBe('quick');
    const loaded = candidate({ id: 'loaded', model: 'jenny', queueDepth: 3 });
    expect(weighted([quick, loaded], REQUEST).id).toBe('loaded');
    expect(weighted([quick, { ...loaded, queueDepth: 5 }], REQUEST).id).toBe('quick');
  });
});
