import { appendFileSync, readFileSync } from 'node:fs';
import { systemClock } from '@taleback/resilience';
import { installProcessFaults } from '../src/observe/process-faults.ts';
import { onSupervisorGone } from '../src/supervise/index.ts';

/**
 * Stands in for the worker under a supervisor. It ends with 7 as often as `CRASHES` says, then works until it is told to
 * stop; `ENDS_WITH` is its code then, and with `ENDS_BY_ITSELF` it does not wait to be told. With `REJECTS` its first run
 * leaves a rejected promise to nobody.
 */
const { RUNS_FILE = '', CRASHES = '0', ENDS_WITH = '0', ENDS_BY_ITSELF, REJECTS } = process.env;
appendFileSync(RUNS_FILE, 'run\n');
const run = readFileSync(RUNS_FILE, 'utf8').split('\n').length - 1;
const say = (msg: string, fields: object = {}): void =>
  appendFileSync(1, `${JSON.stringify({ msg, run, pid: process.pid, ...fields })}\n`);

const work = setInterval(() => {}, 1_000);
const stop = (why: string): void => {
  say(why);
  process.exitCode = Number(ENDS_WITH);
  clearInterval(work);
};
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop(signal));
installProcessFaults({
  process,
  log: (_, message, fields = {}) => say(message, fields),
  record: ({ kind }) => say(`counted ${kind}`),
  drain: async () => say('drained'),
  drainMs: 10_000,
  clock: systemClock,
});
onSupervisorGone(() => stop('supervisor gone'));

say('child up');
if (run <= Number(CRASHES)) process.exit(7);
if (ENDS_BY_ITSELF !== undefined) stop('done');
if (REJECTS !== undefined && run === 1) void Promise.reject(new Error('nobody cares'));
