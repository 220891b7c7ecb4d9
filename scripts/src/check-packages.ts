import { buildPackages, PUBLISHED } from './build/packages.ts';
import { runScript } from './command-line.ts';
import { inRoot } from './paths.ts';
import { runProgram } from './process/run-program.ts';

const USAGE = `Checks what would be published: publint reads the manifest and the files, attw resolves the types as consumers do.

  npm run check:packages
`;
const TOOLS = [
  ['publint', 'run', '--strict'],
  ['attw', '--pack', '.', '--profile', 'esm-only', '--format', 'ascii'],
] as const;

await runScript({ usage: USAGE }, async () => {
  await buildPackages();
  let exitCode = 0;
  for (const { name, folder } of PUBLISHED) {
    for (const [tool, ...args] of TOOLS) {
      // attw needs an entry point; the command line has none.
      if (tool === 'attw' && folder === 'cli') continue;
      const { code, output } = await runProgram([inRoot('node_modules/.bin', tool), ...args], {
        cwd: inRoot(folder),
      });
      process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'}  ${tool}  ${name}\n`);
      if (code === 0) continue;
      process.stdout.write(`${output}\n`);
      exitCode = 1;
    }
  }
  return exitCode;
});
