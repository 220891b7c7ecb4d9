import { type BreakerOptions, CircuitBreaker } from '@taleback/resilience';
import {
  circuitBreaker,
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  CountBreaker,
  handleAll,
  type IBreaker,
  SamplingBreaker,
} from 'cockatiel';
import {
  atMost,
  type BenchResult,
  collectGarbage,
  type Goal,
  interleavedRounds,
  judged,
  pairedRatio,
  rounded,
} from './measure.ts';

const CALLS = 200_000;
const ROUNDS = 15;
/** Enough breakers for the heap's own noise to vanish in the mean. */
const BREAKERS = 20_000;

const noop = async (): Promise<number> => 1;

const ratio = { failureRatio: 0.5, minimumCalls: 10 };
/** One object per kind, as a profile has it. */
const OPTIONS = {
  consecutive: { strategy: { kind: 'consecutive', failures: 5 }, cooldownMs: 60_000 },
  count: { strategy: { kind: 'count-window', size: 100, ...ratio }, cooldownMs: 60_000 },
  time: { strategy: { kind: 'time-window', windowMs: 10_000, ...ratio }, cooldownMs: 60_000 },
} as const satisfies Record<string, BreakerOptions>;

const ours = (kind: keyof typeof OPTIONS): CircuitBreaker => new CircuitBreaker(OPTIONS[kind]);

const cockatiel = (breaker: IBreaker): CircuitBreakerPolicy =>
  circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker });

const cockatielCount = (): IBreaker =>
  new CountBreaker({ threshold: 0.5, size: 100, minimumNumberOfCalls: 10 });
const cockatielSampling = (): IBreaker =>
  new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 1 });

interface Executor {
  execute(operation: () => Promise<number>): Promise<number>;
}

const calling = (breaker: Executor) => ({
  count: CALLS,
  work: async (count: number): Promise<void> => {
    for (let call = 0; call < count; call += 1) await breaker.execute(noop);
  },
});

/** Closed: what one call costs more than a bare await. */
async function measureClosed(): Promise<Record<string, number>> {
  const admitting = ours('consecutive');
  const costs = await interleavedRounds(
    {
      bare: calling({ execute: (operation) => operation() }),
      'ours consecutive': calling(ours('consecutive')),
      'ours count window': calling(ours('count')),
      'ours time window': calling(ours('time')),
      'ours tryAdmit': {
        count: CALLS,
        work: async (count) => {
          for (let call = 0; call < count; call += 1) {
            const admission = admitting.tryAdmit();
            if (!admission.admitted) throw new Error('a closed breaker refused');
            await noop();
            admitting.recordSuccess(admission);
          }
        },
      },
      'cockatiel consecutive': calling(cockatiel(new ConsecutiveBreaker(5))),
      'cockatiel count': calling(cockatiel(cockatielCount())),
      'cockatiel sampling': calling(cockatiel(cockatielSampling())),
    },
    ROUNDS,
  );
  const { bare, ...rest } = costs;
  return Object.fromEntries(
    Object.entries(rest).map(([name, cost]) => [`closed, x bare await: ${name}`, pairedRatio(cost, bare)]),
  );
}

/** Open: what a refusal costs, beside one that throws. */
async function measureOpen(): Promise<number> {
  const breaker = ours('consecutive');
  breaker.isolate();
  const { throwing, admitting } = await interleavedRounds(
    {
      throwing: {
        count: 5_000,
        work: async (count) => {
          for (let call = 0; call < count; call += 1) await breaker.execute(noop).catch(() => {});
        },
      },
      admitting: {
        count: 500_000,
        work: (count) => {
          for (let call = 0; call < count; call += 1) {
            if (breaker.tryAdmit().admitted) throw new Error('an isolated breaker admitted');
          }
        },
      },
    },
    ROUNDS,
  );
  return pairedRatio(admitting, throwing);
}

/** Heap per breaker after three calls, bytes. */
async function measureBytes(kind: keyof typeof OPTIONS): Promise<number> {
  const breakers: CircuitBreaker[] = Array.from({ length: BREAKERS });
  collectGarbage();
  const before = process.memoryUsage();
  for (let index = 0; index < BREAKERS; index += 1) breakers[index] = ours(kind);
  for (let call = 0; call < 3; call += 1) for (const breaker of breakers) await breaker.execute(noop);
  collectGarbage();
  const after = process.memoryUsage();
  const bytes = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers;
  return rounded(bytes / breakers.length);
}

const activeTimers = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

/** Timers that 1,000 of our breakers keep, half of them open. */
async function measureTimers(): Promise<number> {
  const before = activeTimers();
  const breakers = Array.from({ length: 1_000 }, () => ours('time'));
  for (const [index, breaker] of breakers.entries()) {
    await breaker.execute(noop);
    const failures = index % 2 === 0 ? 20 : 0;
    for (let failure = 0; failure < failures; failure += 1) {
      const admission = breaker.tryAdmit();
      if (admission.admitted) breaker.recordFailure(admission);
    }
  }
  const open = breakers.filter((breaker) => breaker.status().circuitOpen).length;
  if (open !== 500) throw new Error(`expected 500 open breakers, got ${open}`);
  return activeTimers() - before;
}

export async function run(): Promise<BenchResult> {
  const closed = await measureClosed();
  const bytes = {
    'bytes each: ours consecutive': await measureBytes('consecutive'),
    'bytes each: ours count window of 100': await measureBytes('count'),
    'bytes each: ours time window': await measureBytes('time'),
  };
  const timers = await measureTimers();
  const admit = await measureOpen();

  const at = (name: string): number => closed[`closed, x bare await: ${name}`] ?? Number.NaN;
  const cheaperThan = (peer: string): Goal => ({
    words: '<= 2.1, less than cockatiel',
    isMet: (ratio) => ratio <= 2.1 && ratio < at(peer),
  });
  const figures = {
    ...closed,
    ...bytes,
    'timers of 1,000 breakers': timers,
    'open, tryAdmit x a throwing refusal': admit,
  };
  return judged('circuit breaker', figures, {
    'closed, x bare await: ours consecutive': cheaperThan('cockatiel consecutive'),
    'closed, x bare await: ours count window': cheaperThan('cockatiel count'),
    'closed, x bare await: ours time window': cheaperThan('cockatiel sampling'),
    'closed, x bare await: ours tryAdmit': atMost(1.2),
    'bytes each: ours consecutive': atMost(500),
    'bytes each: ours count window of 100': atMost(500),
    'bytes each: ours time window': atMost(500),
    'timers of 1,000 breakers': { words: '0', isMet: (kept) => kept === 0 },
    'open, tryAdmit x a throwing refusal': atMost(0.05),
  });
}
