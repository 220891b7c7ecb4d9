import { runScript, UsageError } from '@taleback/scripts/src/command-line.ts';
import type { BenchResult } from './measure.ts';

const BENCHES =
  'breaker cache callback callback-to-screen cli cold-start gate house idle ipc latency outbox policies queue receiver story'.split(
    ' ',
  );
const USAGE = `Runs benchmarks one after the other; the last line of each is its result as JSON.

  npm run bench -- NAME...

  ${BENCHES.join(', ')}
`;

await runScript({ usage: USAGE, maxArguments: Number.POSITIVE_INFINITY }, async (_flags, names) => {
  const unknown = names.find((name) => !BENCHES.includes(name));
  if (unknown !== undefined || names.length === 0)
    throw new UsageError(`${unknown ?? 'No name'} is none of ${BENCHES.join(', ')}`);
  let exitCode = 0;
  for (const name of names) {
    const file = new URL(`./${name}.ts`, import.meta.url);
    const { run } = (await import(file.href)) as { readonly run: () => Promise<BenchResult> };
    const result = await run();
    process.stdout.write(`${JSON.stringify(result)}\n`);
    if (!result.holds) exitCode = 1;
  }
  return exitCode;
});
