import { readFile, writeFile } from 'node:fs/promises';
import { parseCommandLine } from './command-line.ts';
import { inRoot } from './paths.ts';

const { values: flags } = parseCommandLine({
  usage: `Completes package-lock.json.

  node scripts/run.mjs complete-lock [--check]

npm leaves an optional package of another platform out of the lock file when the registry it asked does not have it, and
npm ci then refuses the lock file. This puts such packages back, by name and version, and removes download addresses.

  --check   write nothing; fail when something is missing
`,
  options: { check: { type: 'boolean', default: false } },
});

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly extraneous?: boolean;
  readonly link?: boolean;
  resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

const SYSTEMS = new Set('aix android darwin freebsd linux netbsd openbsd openharmony sunos win32'.split(' '));
const PROCESSORS = new Set(['arm', 'arm64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64']);

const file = inRoot('package-lock.json');
const before = await readFile(file, 'utf8');
const lock = JSON.parse(before) as { packages: Record<string, LockEntry> };

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

const after = `${JSON.stringify(lock, null, 2)}\n`;
const isSame = JSON.stringify(JSON.parse(before)) === JSON.stringify(lock);
if (flags.check) {
  if (!isSame)
    process.stderr.write('package-lock.json is incomplete; run: node scripts/run.mjs complete-lock\n');
  process.exitCode = isSame ? 0 : 1;
} else if (!isSame) {
  await writeFile(file, after);
}
