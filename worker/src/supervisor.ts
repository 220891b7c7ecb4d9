import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@taleback/resilience';
import { pino } from 'pino';
import { createSupervisedProcess } from './adapters/supervised-process.ts';
import { parseConfig, readEnvironment } from './config.ts';
import { type Log, STOP_GRACE_MS } from './observe/index.ts';
import { RESTART_POLICY, supervise } from './supervise/index.ts';

const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Keeps the worker beside this file running: `node supervisor.js` in place of `node main.js`. */
const runSupervisor = async (): Promise<void> => {
  // A configuration that is wrong stays wrong: it is told here, once, instead of by every start of the worker.
  const environment = readEnvironment();
  const { drainMs, logLevel, workerId } = parseConfig(environment);
  const logger = pino(
    { level: logLevel, base: { supervisor: process.pid } },
    pino.destination({ dest: 2, sync: true }),
  );
  const log: Log = (severity, message, fields = {}) => logger[severity](fields, message);
  const main = fileURLToPath(new URL('./main.js', import.meta.url));

  const supervisor = supervise({
    startChild: createSupervisedProcess({
      command: process.execPath,
      args: [...process.execArgv, main, ...process.argv.slice(2)],
      // One name for all its lives: what a dead one told of its engines is then replaced, and not believed for minutes.
      env: { ...environment, WORKER_ID: workerId ?? `${hostname()}-${process.pid}` },
    }),
    clock: systemClock,
    log,
    policy: { ...RESTART_POLICY, stopWithinMs: drainMs + STOP_GRACE_MS },
  });
  for (const signal of STOP_SIGNALS) process.on(signal, () => supervisor.signal(signal));
  process.exitCode = await supervisor.ended;
};

await runSupervisor();
