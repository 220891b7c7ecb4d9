import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentAnswers } from './recent-answers.ts';

const answers = fc.array(fc.tuple(fc.boolean(), fc.nat(60_000)), { maxLength: 70, size: 'max' });

describe('RecentAnswers', () => {
  it('begins without a fault and without a time', () => {
    const recent = new RecentAnswers();
    expect([recent.count, recent.successRate, recent.responseTimeMs]).toEqual([0, 1, 0]);
  });

  it('agrees with a list of all answers', () => {
    fc.assert(
      fc.property(answers, (given) => {
        const recent = new RecentAnswers();
        const all: boolean[] = [];
        let average: number | undefined;
        for (const [isSound, responseTimeMs] of given) {
          recent.record(isSound, responseTimeMs);
          all.push(isSound);
          average = average === undefined ? responseTimeMs : average * 0.8 + responseTimeMs * 0.2;
          const newest = all.slice(-20);
          expect(recent.count).toBe(all.length);
          expect(recent.successRate).toBe(newest.filter(Boolean).length / newest.length);
          expect(recent.responseTimeMs).toBeCloseTo(average, 6);
        }
      }),
    );
  });
});
