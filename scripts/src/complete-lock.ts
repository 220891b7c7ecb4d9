import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { runScript } from './command-line.ts';
import { CHECK_OPTION, writeGenerated } from './generated.ts';
import { inRoot } from './paths.ts';

const USAGE = `Completes package-lock.json.

  node scripts/run.mjs complete-lock [--check]

npm leaves an optional package of another platform out of the lock file when the registry it asked does not have it, and
npm ci then refuses the lock file. This puts such packages back, by name and version, asks the registry for the hashes of those
that have none, and removes download addresses.

  --check   write nothing; fail when something is missing, a hash among it
`;

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly extraneous?: boolean;
  readonly link?: boolean;
  /** Of an alias. */
  readonly name?: string;
  integrity?: string;
  resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

interface Lock {
  packages: Record<string, LockEntry>;
}

const SYSTEMS = new Set('aix android darwin freebsd linux netbsd openbsd openharmony sunos win32'.split(' '));
const PROCESSORS = new Set('arm arm64 ia32 loong64 ppc64 riscv64 s390x x64'.split(' '));

/** The entry of a package of another platform, as npm would write it; undefined when the name names none. */
const platformEntry = (name: string, version: string, owner: LockEntry): LockEntry | undefined => {
  const words = name.split(/[-/@]/);
  const os = words.filter((word) => SYSTEMS.has(word));
  const cpu = words.filter((word) => PROCESSORS.has(word));
  if (os.length === 0) return undefined;
  const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : ['glibc'];
  return {
    version,
    ...(cpu.length === 0 ? {} : { cpu }),
    ...(owner.dev === undefined ? {} : { dev: owner.dev }),
    ...(os.includes('linux') && /musl|gnu/.test(name) ? { libc } : {}),
    optional: true,
    os,
  };
};

const completed = (text: string): Lock => {
  const lock = JSON.parse(text) as Lock;
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (entry.extraneous) delete lock.packages[path];
    if (entry.resolved?.startsWith('http')) delete entry.resolved;
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (Object.keys(lock.packages).some((other) => other.endsWith(`node_modules/${name}`))) continue;
      const added = platformEntry(name, version, entry);
      if (added !== undefined) lock.packages[`node_modules/${name}`] = added;
    }
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  return lock;
};

const LOCKS = ['package-lock.json', 'scripts/node/package-lock.json'];

/** The packages that npm could not verify, as `name@version`, and their entries. */
const unverified = ({ packages }: Lock): (readonly [string, LockEntry])[] =>
  Object.entries(packages)
    .filter(([path, { link, integrity }]) => /(^|\/)node_modules\//.test(path) && !link && !integrity)
    .map(([path, entry]) => [`${entry.name ?? path.split('node_modules/').at(-1)}@${entry.version}`, entry]);

await runScript({ usage: USAGE, options: CHECK_OPTION }, async ({ check }) => {
  const files: Record<string, string> = {};
  for (const file of LOCKS) {
    const lock = completed(await readFile(inRoot(file), 'utf8'));
    for (const [wanted, entry] of unverified(lock)) {
      if (check)
        throw new Error(`${file} has no hash for ${wanted}; run: node scripts/run.mjs complete-lock`);
      const { stdout } = await promisify(execFile)('npm', ['view', wanted, 'dist.integrity']);
      if (!stdout.startsWith('sha512-')) throw new Error(`the registry has no hash of ${wanted}`);
      entry.integrity = stdout.trim();
    }
    files[file] = `${JSON.stringify(lock, null, 2)}\n`;
  }
  const complaint = 'is incomplete; run: node scripts/run.mjs complete-lock';
  return writeGenerated(files, { check, complaint });
});
