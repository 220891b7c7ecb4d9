import { compose, createPolicies, kokoro } from '@taleback/resilience';
import {
  bulkhead,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
  retry,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';
import { atMost, type BenchResult, interleavedRounds, judged, median, pairedRatio } from './measure.ts';
import { PoliciesByHand } from './policies-by-hand.ts';

const CALLS = 40_000;
const ROUNDS = 9;

/** A call that looks at its signal, and is done. */
const call = async (signal: AbortSignal): Promise<number> => (signal.aborted ? 0 : 1);

const ours = compose(createPolicies(kokoro, { classify: () => ({ retryable: true }) }));
const byHand = new PoliciesByHand();
const cockatiel = wrap(
  bulkhead(3, 100),
  retry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff() }),
  circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new ConsecutiveBreaker(5) }),
  timeout(60_000, TimeoutStrategy.Aggressive),
);

function calling(once: () => Promise<unknown>) {
  return {
    count: CALLS,
    work: async (count: number): Promise<void> => {
      for (let made = 0; made < count; made += 1) await once();
    },
  };
}

/** Retry, breaker, timeout and bulkhead around a call that succeeds at once: nothing but their own cost. */
export async function run(): Promise<BenchResult> {
  const outer = new AbortController().signal;
  const costs = await interleavedRounds(
    {
      byHand: calling(() => byHand.execute(call)),
      execute: calling(() => ours.execute(({ signal }) => call(signal))),
      run: calling(() => ours.run(({ signal }) => call(signal))),
      cockatiel: calling(() => cockatiel.execute(({ signal }) => call(signal))),
      byHandWithCaller: calling(() => byHand.execute(call, outer)),
      executeWithCaller: calling(() => ours.execute(({ signal }) => call(signal), { signal: outer })),
    },
    ROUNDS,
  );
  const figures = {
    'by hand, CPU us per call': median(costs.byHand),
    'ours, x by hand': pairedRatio(costs.execute, costs.byHand),
    'ours with the outcome as data, x by hand': pairedRatio(costs.run, costs.byHand),
    "ours with a caller's signal, x by hand with it": pairedRatio(
      costs.executeWithCaller,
      costs.byHandWithCaller,
    ),
    'cockatiel wrap, x by hand': pairedRatio(costs.cockatiel, costs.byHand),
  };
  const ofCockatiel = figures['cockatiel wrap, x by hand'];
  return judged('four policies together', figures, {
    'ours, x by hand': {
      words: '<= 1.15, less than cockatiel wrap',
      isMet: (ratio) => ratio <= 1.15 && ratio < ofCockatiel,
    },
    "ours with a caller's signal, x by hand with it": atMost(1.15),
  });
}
