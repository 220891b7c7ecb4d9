import { isTalebackError } from '@taleback/core';
import { createFakeClock, type FakeClock } from '@taleback/resilience/testing';
import type { SynthesisOptions } from '../../src/engines/engine.ts';
import type { SynthesisEvent } from '../../src/pool/speech-line.ts';
import { parseManagerConfig, type TtsManagerOverrides } from '../../src/pool/pool-config.ts';
import { openFakePlugin } from './fake-plugin.ts';
import { type FakeChild, fakeChildren, type Opening, textOf } from './fake-child.ts';
import { WorkerPool } from '../../src/pool/worker-pool.ts';

/** A request as a test follows it. */
export interface Said {
  readonly text: string;
  /** How often it ended; anything but 0 and 1 is a fault. */
  ends: number;
  /** The text of its sound, or the code of its error. */
  end: string | undefined;
  error: unknown;
}

export interface PoolHarnessOptions {
  readonly overrides?: TtsManagerOverrides;
  readonly opening?: (count: number) => Opening;
  /** With it, there is a thread to fall back on. */
  readonly threadOpening?: (count: number) => Opening;
  readonly random?: () => number;
}

export interface PoolHarness {
  readonly pool: WorkerPool;
  readonly clock: FakeClock;
  readonly children: FakeChild[];
  readonly threads: FakeChild[];
  readonly events: SynthesisEvent[];
  readonly logged: string[];
  readonly all: Said[];
  /** Children that have not ended. */
  readonly living: () => FakeChild[];
  readonly say: (text: string, options?: SynthesisOptions) => Said;
  readonly kinds: (kind: SynthesisEvent['kind']) => SynthesisEvent[];
}

/** A pool with children of the tests, on a clock of the tests. Random numbers are 1 almost, so jitter adds nothing. */
export const openPoolHarness = (options: PoolHarnessOptions = {}): PoolHarness => {
  const clock = createFakeClock(1_000_000);
  const { children, open } = fakeChildren(clock, options.opening);
  const fakeThreads = fakeChildren(clock, options.threadOpening);
  const events: SynthesisEvent[] = [];
  const logged: string[] = [];
  const all: Said[] = [];
  const plugin = {
    ...openFakePlugin(clock).plugin,
    openChild: open,
    openThread: options.threadOpening === undefined ? undefined : fakeThreads.open,
    modelOf: (voiceId: string) => voiceId.split('/')[0] ?? voiceId,
  };
  const pool = new WorkerPool(plugin, {
    config: parseManagerConfig(options.overrides),
    clock,
    random: options.random ?? (() => 1 - Number.EPSILON),
    log: (severity, message) => logged.push(`${severity}: ${message}`),
    publish: (event) => events.push(event),
  });
  const say: PoolHarness['say'] = (text, speakOptions) => {
    const said: Said = { text, ends: 0, end: undefined, error: undefined };
    all.push(said);
    const ended = (end: string, error?: unknown): void => {
      said.ends += 1;
      said.end = end;
      said.error = error;
    };
    pool.speak({ text, voiceId: 'm/v' }, speakOptions).then(
      (sound) => ended(textOf(sound)),
      (error: unknown) => ended(isTalebackError(error) ? error.code : `untyped: ${String(error)}`, error),
    );
    return said;
  };
  return {
    pool,
    clock,
    children,
    threads: fakeThreads.children,
    events,
    logged,
    all,
    living: () => [...children, ...fakeThreads.children].filter(({ isEnded }) => !isEnded),
    say,
    kinds: (kind) => events.filter((event) => event.kind === kind),
  };
};

/** The same, started, with its first workers ready. */
export const startPool = async (options: PoolHarnessOptions = {}): Promise<PoolHarness> => {
  const harness = openPoolHarness(options);
  const started = harness.pool.start();
  await harness.clock.advanceAsync(0);
  await started;
  return harness;
};

/** A pool of exactly so many workers. */
export const fixed = (count: number): TtsManagerOverrides => ({
  workerPool: { minWorkers: count, maxWorkers: count },
});
