import { mkdir, rm } from 'node:fs/promises';
import { parseNumber, runScript } from '@taleback/scripts/src/command-line.ts';
import { startStores } from '@taleback/scripts/src/emulators/stores.ts';
import { inRoot } from '@taleback/scripts/src/paths.ts';
import { type LoadReport, runLoad } from './load/run-load.ts';

const USAGE = `Sends callbacks to the receiver as fast as it answers, some of them twice and some of them forged, and looks
at every story afterwards.

    npm run e2e -- load [--callbacks 2000] [--concurrency 50] [--duplicates 0.2] [--forged 0.05] [--seed N]

Ends with 0 when every answer, every story and every event is as it should be, else with 1.
`;
const OPTIONS = {
  callbacks: { type: 'string', default: '2000' },
  concurrency: { type: 'string', default: '50' },
  duplicates: { type: 'string', default: '0.2' },
  forged: { type: 'string', default: '0.05' },
  seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1_000_000)) },
} as const;
const FAULTS_SHOWN = 20;

const listed = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([name, times]) => `${name} × ${times}`)
    .join(', ');

const describe = (report: LoadReport): string => {
  const { p50, p95, max } = report.latencyMs;
  const { faults } = report;
  return [
    `answers     ${listed(report.answers)}`,
    `decisions   ${listed(report.decisions)}`,
    `stories     ${report.stories} looked at, ${report.events} events`,
    `throughput  ${report.throughput.toFixed(0)} a second`,
    `latency     p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, longest ${max.toFixed(1)} ms`,
    faults.length === 0 ? 'All is well.' : `${faults.length} faults:`,
    ...faults.slice(0, FAULTS_SHOWN).map((fault) => `  ${fault}`),
    '',
  ].join('\n');
};

await runScript({ usage: USAGE, options: OPTIONS }, async (flags) => {
  const options = {
    callbacks: Math.floor(parseNumber('callbacks', flags.callbacks, [10, 1_000_000])),
    concurrency: Math.floor(parseNumber('concurrency', flags.concurrency, [1, 1_000])),
    duplicates: parseNumber('duplicates', flags.duplicates, [0, 0.8]),
    forged: parseNumber('forged', flags.forged, [0, 0.1]),
    seed: Math.floor(parseNumber('seed', flags.seed, [0, 2 ** 32 - 1])),
  };
  const folder = inRoot('.taleback', `load-${process.pid}`);
  await mkdir(folder, { recursive: true });
  const stores = await startStores(folder);
  try {
    process.stdout.write(`load, seed ${options.seed}\n`);
    const report = await runLoad(options);
    process.stdout.write(describe(report));
    return report.faults.length === 0 ? 0 : 1;
  } finally {
    await stores.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
// The functions' publisher keeps its connection for the next event, and with it the process.
process.exit();
