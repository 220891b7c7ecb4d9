import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeStorm, openChaos } from './chaos/index.ts';

const USAGE = `Narrates stories while everything breaks, and looks at what is left.

    npm run e2e -- chaos [--seed N] [--storms N] [--stories N]

Each storm has a number that its accidents are drawn from; --seed begins with it, to see one again.
Ends with 0 when every story of every storm came to its true end, else with 1.
`;

const count = (name: string, value: string): number => {
  const parsed = Number(value);
  if (Number.isInteger(parsed) && parsed >= 1 && parsed < 2 ** 32) return parsed;
  throw new RangeError(`--${name}: must be a whole number from 1`);
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1_000_000)) },
      storms: { type: 'string', default: '10' },
      stories: { type: 'string', default: '200' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const folder = fileURLToPath(new URL(`../../.taleback/chaos-${process.pid}`, import.meta.url));
  await mkdir(folder, { recursive: true });
  const firstSeed = count('seed', values.seed);
  const chaos = await openChaos(folder, count('stories', values.stories));
  let isWell = true;
  try {
    for (let seed = firstSeed; seed < firstSeed + count('storms', values.storms); seed += 1) {
      const report = await chaos.storm(seed);
      isWell &&= report.verdict.faults.length === 0;
      process.stdout.write(`${describeStorm(report)}\n`);
    }
  } finally {
    await chaos.close();
  }
  if (isWell) await rm(folder, { recursive: true, force: true });
  else process.stdout.write(`Logs and audio are in ${folder}\n`);
  return isWell ? 0 : 1;
};

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 2;
}
