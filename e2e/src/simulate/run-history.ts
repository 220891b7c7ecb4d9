import { judge } from './judge.ts';
import { createParties } from './parties.ts';
import { CALM_MS, type Plan } from './plan.ts';
import { START_MS } from './scheduler.ts';
import { createWorld } from './world.ts';

export interface History {
  readonly plan: Plan;
  /** The faults that happened: crashes, lost messages, absences, conflicts. */
  readonly happened: readonly string[];
  /** What is wrong at its end, or was on the way. */
  readonly faults: readonly string[];
}

/** Whatever is under way has ended by then: a job in doubt is given up 30 minutes after its lease. */
const LENGTH_MS = CALM_MS + 75 * 60_000;

/** Runs one history to its end. The same plan gives the same history. */
export const runHistory = async (plan: Plan, without: ReadonlySet<string> = new Set()): Promise<History> => {
  const world = createWorld(plan, without);
  const { act, sweepAlways } = createParties(world);
  for (const step of plan.steps) world.scheduler.after(step.atMs, () => act(step));
  world.scheduler.after(30_000, sweepAlways);
  await world.scheduler.run(START_MS + LENGTH_MS);
  return {
    plan,
    happened: world.actors.faults,
    faults: judge(world.ledger, world.documents, world.published),
  };
};

/** Drops steps and faults while the history still fails, until none can be left out. */
export const shrink = async (failing: History): Promise<History> => {
  let best = failing;
  const without = new Set<string>();
  const tryOut = async (plan: Plan, dropped: Iterable<string>): Promise<boolean> => {
    const tried = await runHistory(plan, new Set([...without, ...dropped]));
    if (tried.faults.length === 0) return false;
    for (const one of dropped) without.add(one);
    best = tried;
    return true;
  };
  for (let isShorter = true; isShorter; ) {
    isShorter = false;
    for (const step of best.plan.steps) {
      const steps = best.plan.steps.filter((one) => one !== step);
      isShorter = (await tryOut({ ...best.plan, steps }, [])) || isShorter;
    }
    for (const one of best.happened)
      if (best.happened.includes(one)) isShorter = (await tryOut(best.plan, [one])) || isShorter;
  }
  return best;
};

export const describeHistory = ({ plan, happened, faults }: History): string =>
  [
    `seed ${plan.seed}: jobs go to ${plan.target === 'runpod' ? 'RunPod' : 'workers'}${plan.hasAutoRetry ? ', with automatic retries' : ''}${plan.isOld ? ', with attempts of an older release' : ''}`,
    ...plan.steps.map(
      ({ id, atMs, ...deed }) => `  ${(atMs / 1_000).toFixed(1)} s  ${id} ${JSON.stringify(deed)}`,
    ),
    ...happened.map((fault) => `  fault  ${fault}`),
    ...faults.map((fault) => `  WRONG  ${fault}`),
  ].join('\n');
