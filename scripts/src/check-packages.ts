import { spawnSync } from 'node:child_process';
import { buildPackages, PUBLISHED } from './build/packages.ts';
import { inRoot } from './paths.ts';

// Checks what would be published: publint reads the manifest and the files, attw resolves the types as consumers do.

const TOOLS = [
  { name: 'publint', args: ['run', '--strict'] },
  { name: 'attw', args: ['--pack', '.', '--profile', 'esm-only', '--format', 'ascii'] },
] as const;

await buildPackages();
for (const { name, folder } of PUBLISHED) {
  for (const tool of TOOLS) {
    // attw needs an entry point; the command line has none.
    if (tool.name === 'attw' && folder === 'cli') continue;
    const { status, stdout, stderr } = spawnSync(inRoot('node_modules/.bin', tool.name), tool.args, {
      cwd: inRoot(folder),
      encoding: 'utf8',
    });
    process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'}  ${tool.name}  ${name}\n`);
    if (status === 0) continue;
    process.stdout.write(`${stdout}${stderr}\n`);
    process.exitCode = 1;
  }
}
