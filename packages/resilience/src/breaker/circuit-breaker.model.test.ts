import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Permit } from './breaker-state.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { StrategyOptions } from './windows.ts';
import { type FakeClock, createFakeClock } from '../testing.ts';

const RUNS = process.env['TEST_SIZE'] === 'all' ? 1_000 : 400;
const COOLDOWN_MS = 100;
const EXPIRY_MS = 250;

type Command =
  | { readonly do: 'admit' | 'reset' | 'isolate' }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'succeed' | 'fail' | 'release'; readonly pick: number };

interface ModelPermit {
  /** The closed period or the trial it was given for. */
  readonly period: object;
}

/** The breaker as one would write it without thought for cost: it keeps every call and looks at all of them. */
class NaiveBreaker {
  state: 'closed' | 'open' | 'half-open' | 'isolated' = 'closed';
  calls: { readonly failed: boolean; readonly atMs: number }[] = [];
  consecutive = 0;
  #openedMs = 0;
  #successes = 0;
  #period: object = {};
  #trialBeganMs: number | undefined;
  readonly #strategy: StrategyOptions;
  readonly #needed: number;

  constructor(strategy: StrategyOptions, needed: number) {
    this.#strategy = strategy;
    this.#needed = needed;
  }

  admit(nowMs: number): ModelPermit | string {
    if (this.state === 'isolated') return 'isolated';
    if (this.state === 'open') {
      if (nowMs - this.#openedMs < COOLDOWN_MS) return 'open';
      this.#enter('half-open');
    }
    if (this.state === 'closed') return { period: this.#period };
    if (this.#trialBeganMs !== undefined && nowMs - this.#trialBeganMs < EXPIRY_MS) return 'trial-running';
    this.#trialBeganMs = nowMs;
    this.#period = {};
    return { period: this.#period };
  }

  settle(permit: ModelPermit, how: 'succeed' | 'fail' | 'release', nowMs: number): void {
    if (permit.period !== this.#period || this.state === 'isolated' || this.state === 'open') return;
    if (this.state === 'half-open') {
      this.#period = {};
      this.#trialBeganMs = undefined;
    }
    if (how === 'release') return;
    this.consecutive = how === 'fail' ? this.consecutive + 1 : 0;
    if (this.state === 'closed') {
      this.calls.push({ failed: how === 'fail', atMs: nowMs });
      if (how === 'fail' && this.#tooMany(nowMs)) this.#open(nowMs);
    } else if (how === 'fail') this.#open(nowMs);
    else {
      this.#successes += 1;
      if (this.#successes === this.#needed) this.#enter('closed');
    }
  }

  reset(): void {
    this.consecutive = 0;
    this.#enter('closed');
  }

  isolate(): void {
    this.#enter('isolated');
  }

  looksLike(nowMs: number): string {
    if (this.state === 'open' && nowMs - this.#openedMs >= COOLDOWN_MS) return 'HALF_OPEN';
    return this.state.toUpperCase().replace('-', '_');
  }

  #open(nowMs: number): void {
    this.#openedMs = nowMs;
    this.#enter('open');
  }

  #enter(state: NaiveBreaker['state']): void {
    this.state = state;
    this.#period = {};
    this.#trialBeganMs = undefined;
    this.#successes = 0;
    this.calls = state === 'closed' || state === 'open' ? [] : this.calls;
  }

  #tooMany(nowMs: number): boolean {
    const options = this.#strategy;
    if (options.kind === 'consecutive') return this.consecutive >= options.failures;
    const stepOf = (atMs: number): number =>
      options.kind === 'time-window' ? Math.floor((atMs * (options.buckets ?? 10)) / options.windowMs) : 0;
    const window =
      options.kind === 'count-window'
        ? this.calls.slice(-options.size)
        : this.calls.filter(({ atMs }) => stepOf(nowMs) - stepOf(atMs) < (options.buckets ?? 10));
    const failures = window.filter(({ failed }) => failed).length;
    return window.length >= options.minimumCalls && failures / window.length >= options.failureRatio;
  }
}

const pick = fc.nat(20);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Command>({ do: 'admit' }) },
  { weight: 4, arbitrary: pick.map((index): Command => ({ do: 'succeed', pick: index })) },
  { weight: 6, arbitrary: pick.map((index): Command => ({ do: 'fail', pick: index })) },
  { weight: 1, arbitrary: pick.map((index): Command => ({ do: 'release', pick: index })) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 130 }).map((ms): Command => ({ do: 'pass', ms })) },
  { weight: 1, arbitrary: fc.constantFrom<Command>({ do: 'reset' }, { do: 'isolate' }) },
);

const ratio = {
  failureRatio: fc.constantFrom(0.25, 0.5, 0.75, 1),
  minimumCalls: fc.integer({ min: 1, max: 4 }),
};
const strategy: fc.Arbitrary<StrategyOptions> = fc.oneof(
  fc.record({ kind: fc.constant('consecutive' as const), failures: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    kind: fc.constant('count-window' as const),
    size: fc.constantFrom(4, 7, 33),
    ...ratio,
  }),
  fc.record({
    kind: fc.constant('time-window' as const),
    windowMs: fc.constantFrom(40, 200),
    buckets: fc.constantFrom(1, 4, 10),
    ...ratio,
  }),
);

describe('CircuitBreaker against a naive model', () => {
  it('admits, refuses and changes state as the model does, in any order of events', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        strategy,
        fc.integer({ min: 1, max: 3 }),
        fc.array(command, { minLength: 20, maxLength: 120 }),
        (strategy, halfOpenSuccesses, commands) => {
          const clock = createFakeClock(1_000);
          const options = { strategy, halfOpenSuccesses, cooldownMs: COOLDOWN_MS, trialExpiryMs: EXPIRY_MS };
          const breaker = new CircuitBreaker(options, { clock });
          const model = new NaiveBreaker(strategy, halfOpenSuccesses);
          const permits: [Permit, ModelPermit][] = [];

          for (const step of commands) {
            const [actual, expected] = perform(step, { clock, breaker, model, permits });
            seen.add(model.state);
            expect(actual).toBe(expected);
            expect(breaker.status().state).toBe(model.looksLike(clock.now()));
            expect(breaker.status().consecutiveFailures).toBe(model.consecutive);
          }
        },
      ),
      { numRuns: RUNS },
    );
    expect([...seen].toSorted()).toEqual(['closed', 'half-open', 'isolated', 'open']);
  });
});

interface Pair {
  readonly clock: FakeClock;
  readonly breaker: CircuitBreaker;
  readonly model: NaiveBreaker;
  /** The permits given so far, the breaker's and the model's. */
  readonly permits: [Permit, ModelPermit][];
}

/** Does the same to both. @returns what each of them answered */
function perform(step: Command, { clock, breaker, model, permits }: Pair): [string, string] {
  switch (step.do) {
    case 'admit': {
      const actual = breaker.tryAdmit();
      const expected = model.admit(clock.now());
      if (actual.admitted && typeof expected !== 'string') permits.push([actual, expected]);
      return [
        actual.admitted ? 'admitted' : actual.reason,
        typeof expected === 'string' ? expected : 'admitted',
      ];
    }
    case 'pass':
      clock.advance(step.ms);
      break;
    case 'reset':
    case 'isolate':
      breaker[step.do]();
      model[step.do]();
      break;
    default:
      settle(step, permits, breaker, model, clock.now());
  }
  return ['', ''];
}

/** Settles one of the permits given so far, fresh or stale. Half of the picks take the newest. */
function settle(
  step: Extract<Command, { readonly pick: number }>,
  permits: [Permit, ModelPermit][],
  breaker: CircuitBreaker,
  model: NaiveBreaker,
  nowMs: number,
): void {
  const chosen = permits.at(step.pick % 2 === 0 ? -1 : step.pick % Math.max(1, permits.length));
  if (chosen === undefined) return;
  const [permit, modelPermit] = chosen;
  if (step.do === 'succeed') breaker.recordSuccess(permit);
  else if (step.do === 'fail') breaker.recordFailure(permit);
  else breaker.release(permit);
  model.settle(modelPermit, step.do, nowMs);
}
