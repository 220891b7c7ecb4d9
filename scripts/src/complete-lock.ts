import { readFile } from 'node:fs/promises';
import { runScript } from './command-line.ts';
import { CHECK_OPTION, writeGenerated } from './generated.ts';
import { inRoot } from './paths.ts';

const USAGE = `Completes package-lock.json.

  node scripts/run.mjs complete-lock [--check]

npm leaves an optional package of another platform out of the lock file when the registry it asked does not have it, and
npm ci then refuses the lock file. This puts such packages back, by name and version, and removes download addresses.

  --check   write nothing; fail when something is missing
`;

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly extraneous?: boolean;
  resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
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

const completed = (text: string): string => {
  const lock = JSON.parse(text) as { packages: Record<string, LockEntry> };
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
  return `${JSON.stringify(lock, null, 2)}\n`;
};

await runScript({ usage: USAGE, options: CHECK_OPTION }, async ({ check }) => {
  const files = { 'package-lock.json': completed(await readFile(inRoot('package-lock.json'), 'utf8')) };
  const complaint = 'is incomplete; run: node scripts/run.mjs complete-lock';
  return writeGenerated(files, { check, complaint });
});
