import { randomUUID } from 'node:crypto';
import { OutboxStore } from '@taleback/outbox';
import { type Clock, type Random, systemClock } from '@taleback/resilience';
import { parseRunpodEnvironment, type RunpodVariables, readEnvironment } from './config.ts';
import { createRunpodHttp } from './http.node.ts';
import { importResults } from './import-results.node.ts';
import { logLines, type RunpodLog } from './log.ts';
import type { HttpSend } from './platform.ts';
import type { RunpodHandler } from './run-handler.ts';
import { RunpodWorker, type RunpodWorkerOptions } from './runpod-worker.ts';

export interface ServeRunpodOptions extends RunpodWorkerOptions {
  /** The variables that RunPod sets. Default: those of this process. */
  readonly env?: RunpodVariables;
  /** Folder where jobs and results are kept until they are accepted. Default `.taleback/runpod-outbox`. */
  readonly outboxFolder?: string;
  /** In place of undici. */
  readonly http?: HttpSend;
  /** Signals that end the worker. Default SIGTERM and SIGINT. */
  readonly stopOn?: readonly NodeJS.Signals[];
  /** Default: a JSON line each on standard error. */
  readonly log?: RunpodLog;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface ServingRunpod {
  /**
   * Takes no more jobs, finishes those under way and posts their results.
   *
   * @param graceMs time for that, milliseconds; default 90,000. What still runs then is aborted and answered with an error.
   */
  stop(graceMs?: number): Promise<void>;
  /** Resolves when the worker has ended and holds nothing that keeps the process alive. */
  readonly ended: Promise<void>;
}

const OUTBOX_FOLDER = '.taleback/runpod-outbox';

/**
 * Serves RunPod's queue with a handler until it is stopped.
 *
 * @throws Error that names every variable of the environment at fault
 *
 * @example
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { serveRunpod } from '@taleback/runpod-worker';
 * const worker = serveRunpod((job) => ({ echo: job.input }), {
 *   // RunPod sets these variables; the addresses here answer nothing.
 *   env: {
 *     RUNPOD_WEBHOOK_GET_JOB: 'http://127.0.0.1:9/job-take/$ID?gpu=X',
 *     RUNPOD_WEBHOOK_POST_OUTPUT: 'http://127.0.0.1:9/job-done/$RUNPOD_POD_ID/$ID?gpu=X',
 *   },
 *   outboxFolder: join(tmpdir(), 'taleback-example-outbox'),
 *   log: () => {},
 * });
 * await worker.stop(0);
 */
export const serveRunpod = (handler: RunpodHandler, options: ServeRunpodOptions = {}): ServingRunpod => {
  const { log = logLines, stopOn = ['SIGTERM', 'SIGINT'] } = options;
  const { outboxFolder = OUTBOX_FOLDER, clock = systemClock, random = Math.random } = options;
  const settings = parseRunpodEnvironment(options.env ?? readEnvironment(), randomUUID);
  const own = createRunpodHttp();
  const store = new OutboxStore(outboxFolder, log);
  const memory = new OutboxStore(undefined, log);
  const parts = { settings, http: options.http ?? own.send, clock, random, log, newId: randomUUID };
  const worker = new RunpodWorker(handler, options, { ...parts, store, memory });
  let isStopping = false;

  const prepare = async (): Promise<void> => {
    try {
      store.database.open satisfies object;
      await importResults(outboxFolder, store, log, clock.now(), options.keepable);
    } catch (error) {
      // A worker without a place to write serves all the same: it only loses what it has when it is killed.
      log('error', 'no outbox: a crash loses results', { folder: outboxFolder, error: String(error) });
    }
  };
  const prepared = prepare();
  const run = async (): Promise<void> => {
    await prepared;
    if (!isStopping) worker.start();
    await worker.ended;
    await own.close();
    for (const signal of stopOn) process.off(signal, onSignal);
  };
  const ended = run();
  const stop = async (graceMs?: number): Promise<void> => {
    isStopping = true;
    await prepared;
    await worker.stop(graceMs);
    await ended;
  };
  const onSignal = (): void => void stop();
  for (const signal of stopOn) process.on(signal, onSignal);
  return { stop, ended };
};
