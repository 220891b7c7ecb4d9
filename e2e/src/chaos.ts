import { mkdir, rm } from 'node:fs/promises';
import { parseNumber, runScript } from '@taleback/scripts/src/command-line.ts';
import { inRoot } from '@taleback/scripts/src/paths.ts';
import { describeStorm, openChaos } from './chaos/open-chaos.ts';

const USAGE = `Narrates stories while everything breaks, and looks at what is left.

    npm run e2e -- chaos [--seeds N] [--seed N] [--stories N]

  --seeds N     how many storms; default 10
  --seed N      the first storm's number, which its accidents are drawn from, to see one again; default: a random one
  --stories N   in each storm; default 200

Ends with 0 when every story of every storm came to its true end, else with 1.
`;
const OPTIONS = {
  seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1_000_000)) },
  seeds: { type: 'string', default: '10' },
  stories: { type: 'string', default: '200' },
} as const;

await runScript({ usage: USAGE, options: OPTIONS }, async (flags) => {
  const count = (name: keyof typeof OPTIONS): number =>
    Math.floor(parseNumber(name, flags[name], [1, 2 ** 32 - 1]));
  const [firstSeed, seeds, stories] = [count('seed'), count('seeds'), count('stories')];
  const folder = inRoot('.taleback', `chaos-${process.pid}`);
  await mkdir(folder, { recursive: true });
  const chaos = await openChaos(folder, stories);
  let survived = 0;
  try {
    for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
      const report = await chaos.storm(seed);
      if (report.verdict.faults.length === 0) survived += 1;
      process.stdout.write(`${describeStorm(report)}\n`);
    }
  } finally {
    await chaos.close();
  }
  if (survived === seeds) await rm(folder, { recursive: true, force: true });
  else process.stdout.write(`Logs and audio are in ${folder}\n`);
  process.stdout.write(`${survived} passed, ${seeds - survived} failed\n`);
  return survived === seeds ? 0 : 1;
});
