import { existsSync } from 'node:fs';
import type { BenchResult } from './measure.ts';

/** Runs the named benchmarks one after the other; the last line of each is its result as JSON. */
const names = process.argv.slice(2);

const load = async (name: string): Promise<(() => Promise<BenchResult>) | undefined> => {
  const file = new URL(`./${name}.ts`, import.meta.url);
  if (!/^[a-z-]+$/.test(name) || !existsSync(file)) return undefined;
  const { run } = (await import(file.href)) as { run?: () => Promise<BenchResult> };
  return run;
};

if (names.length === 0) {
  process.stderr.write('Name one or more benchmarks, for example: npm run bench -- callback-to-screen\n');
  process.exitCode = 2;
}
for (const name of names) {
  const run = await load(name);
  if (run === undefined) {
    process.stderr.write(`There is no benchmark "${name}".\n`);
    process.exitCode = 2;
    continue;
  }
  const result = await run();
  process.stdout.write(`${JSON.stringify(result)}\n`);
  if (!result.holds) process.exitCode = 1;
}
