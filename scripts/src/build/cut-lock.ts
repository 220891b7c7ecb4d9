type Versions = Readonly<Record<string, string>>;

interface LockEntry {
  readonly version?: string;
  readonly dependencies?: Versions;
  readonly optionalDependencies?: Versions;
  readonly peerDependencies?: Versions;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly [field: string]: unknown;
}

/** `packages` of a package-lock.json, by their folders. */
export type LockPackages = Readonly<Record<string, LockEntry>>;

/** Where Node finds a package that the one in a folder imports; undefined when it is not there. */
export const findPackage = (packages: LockPackages, folder: string, name: string): string | undefined => {
  for (let from = folder; ; from = from.slice(0, Math.max(from.lastIndexOf('node_modules/') - 1, 0))) {
    const place = `${from}${from === '' ? '' : '/'}node_modules/${name}`;
    if (packages[place] !== undefined) return place;
    if (from === '') return undefined;
  }
};

/** What a package needs: its dependencies and peers, those that may be missing as `false`. */
export const needsOf = (entry: LockEntry): ReadonlyMap<string, boolean> => {
  const isRequired = (name: string) => entry.peerDependenciesMeta?.[name]?.optional !== true;
  return new Map([
    ...Object.keys(entry.peerDependencies ?? {})
      .filter(isRequired)
      .map((name) => [name, true] as const),
    ...Object.keys(entry.dependencies ?? {}).map((name) => [name, true] as const),
    ...Object.keys(entry.optionalDependencies ?? {}).map((name) => [name, false] as const),
  ]);
};

/**
 * The part of a lock file that some packages of a workspace need, as the lock file of a folder that has nothing else: the
 * same versions and hashes.
 *
 * @throws Error when a package that is needed is not locked
 */
export const cutLock = (
  packages: LockPackages,
  workspace: string,
  names: readonly string[],
): LockPackages => {
  const cut: Record<string, LockEntry> = {};
  const waiting = names.map((name) => ({ name, source: workspace, target: '', isRequired: true }));
  for (const { name, source, target, isRequired } of waiting) {
    const found = findPackage(packages, source, name);
    const entry = found === undefined ? undefined : packages[found];
    if (found === undefined || entry === undefined) {
      if (isRequired) throw new Error(`package-lock.json has no ${name} for ${source}`);
      continue;
    }
    const there = findPackage(cut, target, name);
    if (there !== undefined && cut[there]?.version === entry.version) continue;
    const place = there === undefined ? `node_modules/${name}` : `${target}/node_modules/${name}`;
    const { dev: _dev, devOptional, ...kept } = entry;
    cut[place] = devOptional === true ? { ...kept, optional: true } : kept;
    for (const [needed, isNeeded] of needsOf(entry))
      waiting.push({ name: needed, source: found, target: place, isRequired: isNeeded });
  }
  return Object.fromEntries(Object.entries(cut).sort(([one], [other]) => (one < other ? -1 : 1)));
};
