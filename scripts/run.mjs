// Runs one verb of scripts/, or the benchmarks, after installing what is missing. Plain JavaScript without any
// package, because it is what runs first on a fresh clone. An older Node installs a current one and hands over to it.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const nodeFolder = join(root, 'scripts', 'node');
/** Our packages are found as TypeScript sources, which Node runs as they are. */
const NODE_ARGS = ['--conditions=@taleback/source', '--disable-warning=ExperimentalWarning'];
/** Files of scripts/src that are run; the others are imported by them. */
const SCRIPTS = (
  'bench build check check-callbacks check-lines check-packages ci complete-lock ' +
  'configuration-docs e2e firebase-files mutate send-callback start taleback test'
).split(' ');
/** How often npm is looked for, in milliseconds: it passes signals on to its shell only. */
const PARENT_CHECK_MS = 500;

const fail = (sentence, code) => {
  process.stderr.write(`${sentence}\n`);
  process.exit(code);
};

const npmCi = (folder, what) => {
  process.stderr.write(`${what}\n`);
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', process.stderr, process.stderr],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) fail(`npm ci failed in ${folder}.`, npm.status ?? 1);
};

/** Optional for firebase-admin, not for us; npm leaves it out under a Node that is too old for it. */
const NEEDED = 'node_modules/@google-cloud/firestore';

/** True when npm was run by hand and every package of the lock file is there in its version. */
const isInstalledByHand = (lock) => {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const there = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  return Object.entries(JSON.parse(lock).packages).every(
    ([path, { optional, link, version }]) =>
      !path.includes('node_modules/') ||
      (optional && path !== NEEDED) ||
      link ||
      there[path]?.version === version,
  );
};

const install = () => {
  const stamp = join(root, 'node_modules', '.taleback-install');
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const hash = createHash('sha256').update(lock).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  if (!isInstalledByHand(lock)) npmCi(root, 'Installing packages (once, about a minute)');
  writeFileSync(stamp, hash);
};

const isNewEnough = () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18);
};

/** A `node` of a major version: this one, else one from npm, installed when it is missing; undefined when npm has none. */
const findNode = (major) => {
  if (isNewEnough() && process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const file = join(nodeFolder, 'node_modules', `node-${major}`, 'bin', 'node');
  if (!existsSync(file) && process.platform === 'linux' && process.arch === 'x64')
    npmCi(nodeFolder, 'Installing Node 22 and 24 from npm (once)');
  return existsSync(file) ? file : undefined;
};

/** Runs this file again under another Node, and ends as it ends. */
const continueUnder = (node, args) => {
  const child = spawn(node, [...NODE_ARGS, fileURLToPath(import.meta.url), ...args], {
    // The channel ends with this process, however it ends.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: {
      // Keeps the JavaScript that Node makes of our TypeScript. Coverage, which a bench measures, would be less precise.
      ...(args[0] === 'bench' ? {} : { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compile') }),
      ...process.env,
      PATH: [dirname(node), process.env.PATH].join(delimiter),
    },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // A terminal sends ^C to both.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal));
  }
  const parent = process.ppid;
  const watchParent = () => process.ppid !== parent && child.kill('SIGTERM');
  if (process.env.npm_lifecycle_event !== undefined) setInterval(watchParent, PARENT_CHECK_MS).unref();
  child.on('error', (error) => fail(`${node}: ${error.message}`, 2));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
};

const run = async (verb, rest) => {
  const entry = join(root, verb === 'bench' ? 'bench/src/main.ts' : `scripts/src/${verb}.ts`);
  if (!SCRIPTS.includes(verb)) fail(`There is no script "${verb}", only ${SCRIPTS.join(', ')}.`, 2);
  install();
  process.channel?.unref();
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // The auth library of Google's clients looks for a metadata service even when an emulator is named.
  process.env.METADATA_SERVER_DETECTION ??= 'none';
  process.env.GCE_METADATA_HOST ??= '127.0.0.1:9';
  // npm sets it to the folder that it was called in.
  process.env.INIT_CWD ??= process.cwd();
  process.chdir(root);
  process.argv = [process.argv[0], entry, ...rest];
  await import(pathToFileURL(entry).href);
};

// `--node 22` or `--node 24` asks for that major, whatever this machine has.
const args = process.argv.slice(2);
const wanted = args[0] === '--node' ? args[1] : undefined;
const [verb = '', ...rest] = wanted === undefined ? args : args.slice(2);
if (wanted !== undefined && wanted !== '22' && wanted !== '24') fail('--node: must be 22 or 24.', 2);
if (wanted !== undefined || !isNewEnough()) {
  const node = findNode(wanted ?? '24');
  const version = process.versions.node;
  if (node === undefined) fail(`Node ${wanted ?? '22.18 or newer'} is needed; this is ${version}.`, 2);
  if (wanted === undefined) process.stderr.write(`Node ${version} is too old; continuing under Node 24\n`);
  continueUnder(node, [verb, ...rest]);
} else if (process.execArgv.includes(NODE_ARGS[0])) {
  await run(verb, rest);
} else {
  continueUnder(process.execPath, [verb, ...rest]);
}
