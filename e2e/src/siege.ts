import { mkdir, rm } from 'node:fs/promises';
import { parseNumber, runScript } from '@taleback/scripts/src/command-line.ts';
import { startStores } from '@taleback/scripts/src/emulators/stores.ts';
import { inRoot } from '@taleback/scripts/src/paths.ts';
import { runSiege } from './siege/run-siege.ts';

const USAGE = `Hostile users, hostile clients and honest users share the deployed functions, a worker and Google's emulators.

    npm run e2e -- siege [--seconds 120] [--seed N]

Ends with 0 when no honest story was lost or took longer than 30 s, no hostile request had an effect and memory stayed
flat, else with 1. The last line has the figures as JSON.
`;
const OPTIONS = {
  seconds: { type: 'string', default: '120' },
  seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1_000_000)) },
} as const;
const FAULTS_SHOWN = 30;

await runScript({ usage: USAGE, options: OPTIONS }, async (flags) => {
  const seconds = parseNumber('seconds', flags.seconds, [10, 86_400]);
  const seed = Math.floor(parseNumber('seed', flags.seed, [0, 2 ** 32 - 1]));
  const folder = inRoot('.taleback', `siege-${process.pid}`);
  await mkdir(folder, { recursive: true });
  const stores = await startStores(folder);
  try {
    process.stdout.write(`siege, seed ${seed}\n`);
    const { faults, figures } = await runSiege(seed, seconds, folder);
    for (const fault of faults.slice(0, FAULTS_SHOWN)) process.stdout.write(`  ${fault}\n`);
    if (faults.length === 0) await rm(folder, { recursive: true, force: true });
    else process.stdout.write(`${faults.length} faults. Logs and audio are in ${folder}\n`);
    process.stdout.write(`${JSON.stringify({ ...figures, faults: faults.length })}\n`);
    return faults.length === 0 ? 0 : 1;
  } finally {
    await stores.stop();
  }
});
// Clients of Pub/Sub keep their connection, and with it the process.
process.exit();
