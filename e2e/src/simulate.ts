import { parseNumber, runScript } from '@taleback/scripts/src/command-line.ts';
import { BUGS } from './simulate/bugs.ts';
import { runHistories } from './simulate/run-histories.node.ts';

const USAGE = `Runs histories of stories in simulated time: senders, the receiver, dispatch, sweeps, other apps and people in one
process, with crashes, lost, repeated and late messages, absences and conflicts from a seed.

    npm run e2e -- simulate [--seconds N] [--seed N] [--histories N] [--bugs]

  --seconds N     at most so long; default 60, or an hour with --histories
  --seed N        the first history's number; default: a random one. With --histories 1, one history again
  --histories N   at most so many; default: as many as there is time for
  --bugs          plants each bug of e2e/src/simulate/bugs.json in turn, each with so many seconds to be found

Ends with 0 when no history fails (with --bugs: every bug is found), else with 1 and the shortest history that fails.
`;
const OPTIONS = {
  seconds: { type: 'string' },
  seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1_000_000_000)) },
  histories: { type: 'string' },
  bugs: { type: 'boolean', default: false },
} as const;

const secondsSince = (startedAtMs: number): number => (performance.now() - startedAtMs) / 1_000;

const tryBugs = async (seed: number, seconds: number): Promise<number> => {
  let missed = 0;
  for (const bug of BUGS) {
    const startedAtMs = performance.now();
    const { histories, failing } = await runHistories({ seed, histories: 1_000_000_000, seconds, bug });
    if (failing === undefined) missed += 1;
    const end = failing === undefined ? 'NOT FOUND' : 'found';
    const took = secondsSince(startedAtMs).toFixed(1);
    process.stdout.write(`${end} after ${took} s, ${histories} histories: ${bug.what}\n`);
  }
  process.stdout.write(`${BUGS.length - missed} passed, ${missed} failed\n`);
  return missed === 0 ? 0 : 1;
};

const count = (name: 'seconds' | 'seed' | 'histories', text: string): number =>
  Math.floor(parseNumber(name, text, [1, 2 ** 32 - 1]));

await runScript({ usage: USAGE, options: OPTIONS }, async (flags) => {
  const seed = count('seed', flags.seed);
  const wanted = count('histories', flags.histories ?? '1000000000');
  const seconds = count('seconds', flags.seconds ?? (flags.histories === undefined ? '60' : '3600'));
  if (flags.bugs) return tryBugs(seed, seconds);
  const startedAtMs = performance.now();
  const { histories, failing } = await runHistories({ seed, histories: wanted, seconds });
  const took = secondsSince(startedAtMs);
  const rate = Math.round(histories / took);
  process.stdout.write(
    `${histories} histories in ${took.toFixed(1)} s, ${rate} a second, from seed ${seed}\n`,
  );
  if (failing !== undefined)
    process.stdout.write(
      `${failing.shortest}\nAgain: npm run e2e -- simulate --histories 1 --seed ${failing.seed}\n`,
    );
  process.stdout.write(`${failing === undefined ? 1 : 0} passed, ${failing === undefined ? 0 : 1} failed\n`);
  return failing === undefined ? 0 : 1;
});
