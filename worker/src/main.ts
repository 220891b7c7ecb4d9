import { hostname } from 'node:os';
import { type Log, logFields } from '@taleback/core';
import { systemClock, tryWithDeadline } from '@taleback/resilience';
import { pino } from 'pino';
import { expectNoCloudBesideEmulator, parseConfig, readEnvironment, type WorkerConfig } from './config.ts';
import { installProcessFaults } from './health/process-faults.ts';
import { errorSentence, startExitCode } from './start-fault.ts';
import { openWorker } from './wiring.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** What a stop takes beyond the draining of jobs: speech processes, connections. */
const CLOSING_MS = 5_000;

const logTo = (level: WorkerConfig['logLevel'], workerId: string): Log => {
  const logger = pino({ level, base: { workerId } }, pino.destination({ dest: 2, sync: true }));
  return (severity, message, fields) => logger[severity](logFields(fields), message);
};

/** Runs the worker until a stop signal, then finishes what is under way. */
const runWorker = async (): Promise<void> => {
  expectNoCloudBesideEmulator();
  const environment = readEnvironment();
  const config = parseConfig(environment);
  const workerId = config.workerId ?? `${hostname()}-${process.pid}`;
  const log = logTo(config.logLevel, workerId);
  const worker = await openWorker(config, environment, workerId, log);

  let stopped: Promise<void> | undefined;
  const stop = (cause: string): Promise<void> => {
    stopped ??= (async () => {
      log('info', 'worker stopping', { cause });
      await worker.close();
      log('info', 'worker stopped');
    })();
    return stopped;
  };
  for (const signal of STOP_SIGNALS) process.on(signal, () => void stop(signal));
  // The process that started this one with a channel is gone, however it ended; the channel keeps nothing alive.
  process.once('disconnect', () => void stop('the parent process is gone'));
  process.channel?.unref();
  installProcessFaults({
    process,
    log,
    record: (event) => worker.manager.record(event),
    drain: () => stop('an uncaught fault'),
    drainMs: config.drainMs + CLOSING_MS,
    clock: systemClock,
  });

  void worker.source.dead.then(async (reason) => {
    log('error', 'no jobs can come in', { reason });
    await tryWithDeadline(() => stop('no jobs can come in'), config.drainMs + CLOSING_MS);
    process.exit(1);
  });

  try {
    await worker.manager.initialize();
  } catch (error) {
    if (stopped === undefined) throw error;
  }
  if (stopped !== undefined) return stopped;
  worker.heartbeats.start();
  await worker.source.start(worker.handler);
  // Stopped meanwhile: it was never ready.
  if (stopped !== undefined) return stopped;
  log('info', 'worker ready', {
    audioUrl: worker.audioUrl,
    healthUrl: worker.healthUrl,
    source: config.source.kind,
    ...(config.source.kind === 'pubsub' ? { subscription: config.subscription } : {}),
  });
};

try {
  await runWorker();
} catch (error) {
  process.stderr.write(`taleback: ${errorSentence(error)}\n`);
  process.exit(startExitCode(error));
}
