import { randomUUID } from 'node:crypto';
import { type Clock, type Random, systemClock } from '@taleback/resilience';
import { readEnvironment } from '@taleback/worker/src/config.ts';
import {
  createForgetfulOutbox,
  type HttpSend,
  parseRunpodEnvironment,
  type ResultOutbox,
  type RunpodHandler,
  type RunpodLog,
  type RunpodVariables,
  RunpodWorker,
  type RunpodWorkerOptions,
} from './index.ts';
import { createRunpodHttp } from './undici-http.node.ts';
import { logLines } from './log.ts';
import { openRunpodOutbox } from './folder-outbox.node.ts';

export type {
  HttpAnswer,
  HttpRequest,
  HttpSend,
  ResultOutbox,
  RunpodContext,
  RunpodHandler,
  RunpodJob,
} from './index.ts';
export { openRunpodOutbox } from './folder-outbox.node.ts';

export interface ServeRunpodOptions extends RunpodWorkerOptions {
  /** The variables that RunPod sets. Default: those of this process. */
  readonly env?: RunpodVariables;
  /** Folder where jobs and results are kept until they are accepted. Default `.taleback/runpod-outbox`. */
  readonly outboxFolder?: string;
  /** In place of the folder. */
  readonly outbox?: ResultOutbox;
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

/** A worker without a place to write serves all the same: it only loses what it has when it is killed. */
const openOutbox = async (folder: string, log: RunpodLog): Promise<ResultOutbox> => {
  try {
    return await openRunpodOutbox(folder);
  } catch (error) {
    log('error', 'no outbox: a crash loses results', { folder, error: String(error) });
    return createForgetfulOutbox();
  }
};

/**
 * Serves RunPod's queue with a handler until it is stopped.
 *
 * @throws Error that names every variable of the environment at fault
 */
export const serveRunpod = (handler: RunpodHandler, options: ServeRunpodOptions = {}): ServingRunpod => {
  const { log = logLines, stopOn = ['SIGTERM', 'SIGINT'] } = options;
  const settings = parseRunpodEnvironment(options.env ?? readEnvironment(), randomUUID);
  const own = options.http === undefined ? createRunpodHttp() : undefined;
  let stopping: number | 'default' | undefined;
  let worker: RunpodWorker | undefined;

  const run = async (): Promise<void> => {
    const outbox = options.outbox ?? (await openOutbox(options.outboxFolder ?? OUTBOX_FOLDER, log));
    worker = new RunpodWorker(handler, options, {
      settings,
      http: options.http ?? (own as { send: HttpSend }).send,
      outbox,
      clock: options.clock ?? systemClock,
      random: options.random ?? Math.random,
      log,
      newId: randomUUID,
    });
    if (stopping === undefined) worker.start();
    else await worker.stop(stopping === 'default' ? undefined : stopping);
    await worker.ended;
    await own?.close();
    for (const signal of stopOn) process.off(signal, onSignal);
  };

  const ended = run();
  const stop = async (graceMs?: number): Promise<void> => {
    stopping ??= graceMs ?? 'default';
    await worker?.stop(graceMs);
    await ended;
  };
  const onSignal = (): void => void stop();
  for (const signal of stopOn) process.on(signal, onSignal);
  return { stop, ended };
};
