import { AdaptiveTimeout } from '@taleback/resilience';
import { createFakeClock, type FakeClock } from '@taleback/resilience/testing';
import type { WorkerState } from '../../src/pool/speech-line.ts';
import { parseManagerConfig, type TtsManagerOverrides } from '../../src/pool/pool-config.ts';
import { type FakeChild, fakeChildren, type Opening, textOf } from './fake-child.ts';
import { deadlineOf, SpeechJob } from '../../src/pool/speech-job.ts';
import { SpeechWorker } from '../../src/pool/speech-worker.ts';

export interface WorkerHarness {
  readonly worker: SpeechWorker;
  readonly clock: FakeClock;
  readonly children: FakeChild[];
  readonly states: [from: WorkerState, to: WorkerState][];
  /** The text, or the code of the error, of each try in the order of their ends. */
  readonly ends: string[];
  readonly gone: { readonly wasReady: boolean; readonly cause: string }[];
  readonly start: () => void;
  /** Its present child. */
  readonly child: () => FakeChild;
  /** Hands it a text; undefined when its breaker refuses. */
  readonly run: (text?: string) => SpeechJob | undefined;
}

/** One worker alone, with children of the tests, on a clock of the tests. */
export const openWorkerHarness = (
  opening: (count: number) => Opening = () => 'silent',
  overrides?: TtsManagerOverrides,
): WorkerHarness => {
  const clock = createFakeClock(1_000_000);
  const { children, open } = fakeChildren(clock, opening);
  const states: WorkerHarness['states'] = [];
  const ends: string[] = [];
  const gone: WorkerHarness['gone'] = [];
  const config = parseManagerConfig(overrides);
  const { timeoutMs } = config.circuitBreaker;
  const worker = new SpeechWorker({
    id: 'worker-1',
    openChild: open,
    isThread: false,
    config,
    clock,
    timeouts: new AdaptiveTimeout({ defaultMs: timeoutMs, minMs: timeoutMs, maxMs: deadlineOf(config) }),
    onState: ({ life }, from) => states.push([from, life.state]),
    onGone: ({ life }, cause) => gone.push({ wasReady: life.readiness !== undefined, cause }),
  });
  let jobs = 0;
  return {
    worker,
    clock,
    children,
    states,
    ends,
    gone,
    start: () => worker.start(),
    child: () => {
      const child = children.at(-1);
      if (child === undefined) throw new Error('no child yet');
      return child;
    },
    run: (text = 'a text') => {
      jobs += 1;
      const permit = worker.admit();
      if (permit === undefined) return undefined;
      const job = new SpeechJob(jobs, { text, voiceId: 'm/v' }, 'm', clock.now());
      job.promise.catch(() => {});
      worker.run(job, permit, (end) => ends.push(end.kind === 'spoken' ? textOf(end.sound) : end.error.code));
      return job;
    },
  };
};

/** The same with its child ready. */
export const readyWorker = (concurrency = 1, overrides?: TtsManagerOverrides): WorkerHarness => {
  const harness = openWorkerHarness(undefined, overrides);
  harness.start();
  harness.child().ready({ concurrency, model: 'loaded' });
  return harness;
};
