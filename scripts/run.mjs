// Runs one verb of scripts/, or the benchmarks, after installing what is missing. Plain JavaScript without any
// package, because it is what runs first on a fresh clone.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stampFile = join(root, 'node_modules', '.taleback-install');

const lockHash = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');

const isInstalled = () => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lockHash();

/** True when somebody ran npm themselves and every package of the lock file is there in its version. */
const isInstalledByHand = () => {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const there = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) =>
      !path.startsWith('node_modules/') ||
      entry.optional ||
      entry.link ||
      there[path]?.version === entry.version,
  );
};

const install = () => {
  if (isInstalled()) return;
  if (!isInstalledByHand()) {
    process.stderr.write('Installing packages (once, about a minute)\n');
    const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', process.stderr, process.stderr],
      shell: process.platform === 'win32',
    });
    if (npm.status !== 0) {
      process.stderr.write('npm ci failed: the packages could not be installed.\n');
      process.exit(npm.status ?? 1);
    }
  }
  writeFileSync(stampFile, lockHash());
};

const [verb, ...rest] = process.argv.slice(2);
const entry = join(root, verb === 'bench' ? 'bench/src/main.ts' : `scripts/src/${verb}.ts`);
if (!/^[a-z0-9-]+$/.test(verb ?? '') || !existsSync(entry)) {
  process.stderr.write(`There is no script "${verb}".\n`);
  process.exit(2);
}
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`Node 20.19 or newer is needed; this is ${process.versions.node}.\n`);
  process.exit(2);
}
install();

// The auth library of Google's clients looks for a metadata service even when an emulator is named.
process.env.METADATA_SERVER_DETECTION ??= 'none';
process.env.GCE_METADATA_HOST ??= '127.0.0.1:9';
process.chdir(root);
process.argv = [process.argv[0], entry, ...rest];
const { register } = await import('tsx/esm/api');
register();
await import(entry);
