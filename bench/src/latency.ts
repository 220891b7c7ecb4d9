import { availableParallelism } from 'node:os';
import { openFlitePlugin, TtsManager } from '@taleback/speech';
import { compileFlite, createFliteEngine } from '@taleback/speech/child';
import { atMost, type BenchResult, below, type Goal, judged, percentile, seededRandom } from './measure.ts';
import { bundle } from './bundle.ts';
import {
  differentSentences,
  evenSchedule,
  type OpenLoopReport,
  poissonSchedule,
  runOpenLoop,
} from './open-loop.ts';
import { type RoutingTimes, RoutingWatch } from './routing-watch.ts';

const PER_SECOND = 10;
const REQUESTS = 60 * PER_SECOND;
const WARM_UP = 20;
const FLOOR_REQUESTS = 200;
const CHARACTERS = 60;
const VOICE = 'slt';
/** Sixty characters are some four seconds of speech; less than one is not the sentence. */
const LEAST_SOUND_MS = 1_000;
const SEED = 20_250_101;

/** As the worker starts them: one, and what the machine offers, five at most, when they are needed. */
const minWorkers = 1;
const maxWorkers = Math.min(availableParallelism(), 5);

const hundredths = (value: number): number => Math.round(value * 100) / 100;

const percentiles = (name: string, sample: readonly number[]): Record<string, number> => ({
  [`${name} p50 ms`]: percentile(sample, 0.5),
  [`${name} p95 ms`]: percentile(sample, 0.95),
  [`${name} p99 ms`]: percentile(sample, 0.99),
  [`${name} max ms`]: percentile(sample, 1),
});

/** The engine alone in this process, one sentence after the other. */
const measureFloor = async (sentences: readonly string[]): Promise<number[]> => {
  const engine = createFliteEngine(await compileFlite());
  const elapsedMs: number[] = [];
  for (const text of sentences) {
    const since = performance.now();
    const { samples, sampleRateHz } = await engine.synthesizeChunk({ text, voiceId: VOICE });
    elapsedMs.push(performance.now() - since);
    if (samples.length / sampleRateHz < LEAST_SOUND_MS / 1_000) throw new Error(`no sound of "${text}"`);
  }
  return elapsedMs.slice(WARM_UP);
};

interface Load {
  readonly report: OpenLoopReport;
  readonly routing: RoutingTimes;
}

const figuresOf = (name: string, { report, routing }: Load): Record<string, number> => ({
  ...percentiles(name, report.latenciesMs),
  [`${name}, errors`]: report.errors.length,
  [`${name}, answers a second`]: hundredths(report.answeredPerSecond),
  [`${name}, latest start ms`]: hundredths(report.latestStartMs),
  ...percentiles(`${name}, routing`, routing.freeMs),
  ...percentiles(`${name}, routing, until the engine has it`, routing.heardMs),
  ...percentiles(`${name}, routing, processor time`, routing.cpuMs),
  [`${name}, routing, requests that found a free worker`]: routing.freeMs.length,
  ...percentiles(`${name}, routing with the wait for a worker`, routing.allMs),
});

const goalsOf = (name: string): Record<string, Goal> => ({
  [`${name} p50 ms`]: below(150),
  [`${name} p95 ms`]: below(300),
  [`${name} p99 ms`]: below(500),
  [`${name}, errors`]: { words: '0', isMet: (errors) => errors === 0 },
});

/**
 * Ten sentences a second through the manager and its child processes for a minute, first at an even pace, then as
 * they come unpaced. Before and after, sentences in this process without any of it: the floor.
 *
 * Routing counts from the call into the manager until the request is written to the worker. Its goal holds for the even pace:
 * unpaced, a request may meet the answer of another on its way through this process.
 */
export const run = async (): Promise<BenchResult> => {
  const random = seededRandom(SEED);
  const sentences = differentSentences(WARM_UP + 2 * REQUESTS, CHARACTERS, random);
  const childFile = (await bundle(['latency-child']))('latency-child');
  const floorBefore = await measureFloor(sentences.slice(0, WARM_UP + FLOOR_REQUESTS));

  const watch = new RoutingWatch(minWorkers);
  const { plugin, close } = await openFlitePlugin({
    childFile,
    environment: process.env,
    log: (_severity, _message, fields) => watch.heard(String(fields?.['line'])),
  });
  const manager = new TtsManager(
    { workerPool: { minWorkers, maxWorkers } },
    { engines: [watch.watch(plugin)], log: () => {} },
  );
  const speak = async (text: string): Promise<void> => {
    watch.calling(text);
    const { audio, durationMs } = await manager.synthesize({ text, voice: VOICE });
    if (durationMs < LEAST_SOUND_MS || audio.length < durationMs) throw new Error(`no sound of "${text}"`);
  };
  const load = async (scheduleMs: readonly number[], first: number): Promise<Load> => {
    watch.take();
    const report = await runOpenLoop(scheduleMs, (index) => speak(sentences[first + index] ?? ''));
    return { report, routing: watch.take() };
  };
  try {
    await manager.initialize();
    for (const text of sentences.slice(0, WARM_UP)) await speak(text);
    const even = await load(evenSchedule(REQUESTS, PER_SECOND), WARM_UP);
    const unpaced = await load(poissonSchedule(REQUESTS, PER_SECOND, random), WARM_UP + REQUESTS);
    const workers = manager.getStatus().workers.length;
    const floorAfter = await measureFloor(sentences.slice(0, WARM_UP + FLOOR_REQUESTS));
    const floor = [...floorBefore, ...floorAfter];
    const timesFloor = (share: number): number =>
      hundredths(percentile(even.report.latenciesMs, share) / percentile(floor, share));
    const figures = {
      ...figuresOf('even', even),
      ...figuresOf('unpaced', unpaced),
      workers,
      ...percentiles('engine alone', floor),
      'even p50, x engine alone': timesFloor(0.5),
      'even p99, x engine alone': timesFloor(0.99),
    };
    const goals = {
      ...goalsOf('even'),
      'even p50, x engine alone': atMost(1.15),
      'even p99, x engine alone': atMost(2),
      'even, routing p99 ms': below(2),
      ...goalsOf('unpaced'),
    };
    const result = judged('latency', figures, goals);
    const areAllAnswered = [even, unpaced].every(({ report }) => report.latenciesMs.length === REQUESTS);
    return { ...result, holds: result.holds && areAllAnswered };
  } finally {
    await manager.shutdown();
    await close();
  }
};
