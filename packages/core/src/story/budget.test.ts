import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Budget, type BudgetRequest, decideBudget, readUsage, type Usage } from './budget.ts';

const NOW_MS = Date.parse('2026-11-30T08:00:00Z');
const MIDNIGHT_MS = Date.parse('2026-12-01T00:00:00Z');
const LEASE_MS = 900_000;
const request = (more: Partial<BudgetRequest> = {}): BudgetRequest => ({
  jobId: 'new',
  replacedJobId: undefined,
  characters: 100,
  stories: 1,
  nowMs: NOW_MS,
  leaseMs: LEASE_MS,
  ...more,
});
const usage = (fields: object = {}): Usage => readUsage({ day: '2026-11-30', ...fields });
const dayOf = (atMs: number): number => Math.floor(atMs / 86_400_000);
const LIMITS: Budget = { underWay: 2, narrations: 5, characters: 1_000, stories: 10 };

describe('readUsage', () => {
  it('reads leases of any kind of time, and nothing from what makes no sense', () => {
    expect(readUsage({ underWay: { a: new Date(5), b: { toMillis: () => 6 }, c: 7, d: 'soon' } })).toEqual({
      underWay: { a: new Date(5), b: new Date(6), c: new Date(7) },
      day: undefined,
      narrations: 0,
      characters: 0,
    });
    expect(readUsage({ underWay: [1], day: 3, narrations: 'x', characters: null })).toEqual(readUsage({}));
  });
});

describe('decideBudget', () => {
  it('grants what fits, and counts it', () => {
    const used = usage({ underWay: { old: NOW_MS, other: NOW_MS + 1 }, narrations: 4, characters: 900 });
    expect(decideBudget(used, request(), LIMITS)).toEqual({
      kind: 'granted',
      usage: {
        underWay: { other: new Date(NOW_MS + 1), new: new Date(NOW_MS + LEASE_MS) },
        day: '2026-11-30',
        narrations: 5,
        characters: 1_000,
        expiresAt: new Date('2026-12-30T08:00:00Z'),
      },
    });
  });

  it.each<[string, object, Partial<BudgetRequest>, object]>([
    [
      'under way, until enough leases have ended',
      { underWay: { a: NOW_MS + 30, b: NOW_MS + 10, c: NOW_MS + 20 } },
      {},
      { limit: 'underWay', retryAtMs: NOW_MS + 20 },
    ],
    ['of the day', { narrations: 5 }, {}, { limit: 'narrations', retryAtMs: MIDNIGHT_MS }],
    [
      'by the characters of the day',
      { characters: 901 },
      {},
      { limit: 'characters', retryAtMs: MIDNIGHT_MS },
    ],
    ['by a text that no day has room for', {}, { characters: 1_001 }, { limit: 'characters' }],
    ['by the number of stories', {}, { stories: 11 }, { limit: 'stories' }],
    [
      'by the limit that holds for longest',
      { narrations: 5, underWay: { a: NOW_MS + 10, b: MIDNIGHT_MS + 5 } },
      {},
      { limit: 'narrations', retryAtMs: MIDNIGHT_MS },
    ],
  ])('refuses a narration %s', (_, used, more, expected) => {
    const decision = decideBudget(usage(used), request(more), LIMITS);
    expect(decision).toEqual({ kind: 'refused', retryAtMs: undefined, ...expected });
  });

  it('has no limit where none is set', () => {
    const used = usage({ underWay: { a: MIDNIGHT_MS }, narrations: 1e9, characters: 1e12 });
    expect(decideBudget(used, request({ characters: 1e9, stories: 1e9 }), {})).toMatchObject({
      kind: 'granted',
    });
  });

  it('does not count the job that the new one replaces', () => {
    const used = usage({ underWay: { a: MIDNIGHT_MS, b: MIDNIGHT_MS } });
    expect(decideBudget(used, request({ replacedJobId: 'a' }), LIMITS)).toMatchObject({
      usage: { underWay: { b: new Date(MIDNIGHT_MS), new: new Date(NOW_MS + LEASE_MS) } },
    });
  });

  it('begins at 0 on the next day, and does not return to the day before with a clock that is behind', () => {
    const used = { day: '2026-11-30', narrations: 5 };
    expect(decideBudget(usage(used), request({ nowMs: MIDNIGHT_MS }), LIMITS)).toMatchObject({
      usage: { day: '2026-12-01', narrations: 1 },
    });
    const behind = request({ nowMs: MIDNIGHT_MS - 60_000 });
    expect(decideBudget(usage({ day: '2026-12-01', narrations: 1 }), behind, LIMITS)).toMatchObject({
      usage: { day: '2026-12-01', narrations: 2 },
    });
    expect(decideBudget(usage({ day: '2027-12-01', narrations: 5 }), request(), LIMITS)).toMatchObject({
      usage: { day: '2026-11-30', narrations: 1 },
    });
  });

  it('never grants more than the budget, and grants a request at the time that its refusal names', () => {
    const step = fc.record({
      kind: fc.constantFrom('open', 'end'),
      waitMs: fc.nat({ max: 6 * 3_600_000 }),
      leaseMs: fc.integer({ min: 1, max: 30 * 3_600_000 }),
      characters: fc.integer({ min: 1, max: 500 }),
    });
    const limits = fc.record(
      {
        underWay: fc.integer({ min: 1, max: 3 }),
        narrations: fc.integer({ min: 1, max: 6 }),
        characters: fc.integer({ min: 1, max: 2_000 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 30 }), (budget, steps) => {
        const faults: unknown[] = [];
        let nowMs = NOW_MS;
        let used = readUsage({});
        const granted: { jobId: string; nowMs: number; endMs: number; characters: number }[] = [];
        const isRefusalTrue = (asked: BudgetRequest, retryAtMs: number | undefined): boolean =>
          retryAtMs === undefined
            ? asked.characters > Number(budget.characters)
            : retryAtMs > nowMs &&
              decideBudget(used, { ...asked, nowMs: retryAtMs }, budget).kind === 'granted';
        for (const [index, { kind, waitMs, leaseMs, characters }] of steps.entries()) {
          nowMs += waitMs;
          if (kind === 'end') {
            const ended = granted.findLast(({ endMs }) => endMs > nowMs);
            if (ended === undefined) continue;
            ended.endMs = nowMs;
            const { [ended.jobId]: _, ...underWay } = used.underWay;
            used = { ...used, underWay };
            continue;
          }
          const asked = request({ jobId: `j${index}`, nowMs, leaseMs, characters });
          const decision = decideBudget(used, asked, budget);
          if (decision.kind === 'refused') {
            if (!isRefusalTrue(asked, decision.retryAtMs)) faults.push(decision);
            continue;
          }
          used = decision.usage;
          granted.push({ jobId: `j${index}`, nowMs, endMs: nowMs + leaseMs, characters });
          const living = granted.filter(({ endMs }) => endMs > nowMs);
          const today = granted.filter((one) => dayOf(one.nowMs) === dayOf(nowMs));
          const sum = today.reduce((total, one) => total + one.characters, 0);
          const { underWay = Infinity, narrations = Infinity, characters: most = Infinity } = budget;
          if (living.length > underWay || today.length > narrations || sum > most) faults.push(decision);
          if (Object.keys(used.underWay).length !== living.length) faults.push(used);
        }
        expect(faults).toEqual([]);
      }),
    );
  });
});
