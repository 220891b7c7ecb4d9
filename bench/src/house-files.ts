import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { inRoot } from '@taleback/scripts/src/paths.ts';

export interface SourceFile {
  /** From the project's folder, with `/`. */
  readonly path: string;
  readonly lines: number;
  /** Paths of our own files that it imports, types included. */
  readonly imports: readonly string[];
}

const SOURCE = /\.(ts|tsx|mts|mjs|js|css|py|html)$/;
const IMPORT = /(?:\bfrom\s+|\bimport\s*\(?\s*)['"]([^'"\n]+)['"]/g;

/** Examples in docstrings import the package that they are about. */
const COMMENT = /\/\*[\s\S]*?\*\//g;

/** Tests and examples are not counted. */
const isCounted = (path: string): boolean =>
  SOURCE.test(path) && !/(^|\/)(test|examples)\//.test(path) && !/\.test\./.test(path);

/** `packages/core`, `functions`; the file itself for one in the project's folder. */
export const workspaceOf = (path: string): string =>
  path
    .split('/')
    .slice(0, path.startsWith('packages/') ? 2 : 1)
    .join('/');

/** The folder below `src` that a file is in; `.` for one directly in it. */
export const roomOf = (path: string): string => {
  const [, inside = ''] = path.split('/src/');
  return inside.includes('/') ? (inside.split('/')[0] ?? '.') : '.';
};

const tracked = (): string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: inRoot(),
    encoding: 'utf8',
  })
    .split('\n')
    .filter((path) => path !== '' && existsSync(inRoot(path)));

type Exports = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** Where `@taleback/name/sub` leads, from each package's `exports`. */
const readExports = (paths: readonly string[]): ReadonlyMap<string, string> => {
  const targets = new Map<string, string>();
  for (const path of paths.filter((each) => each.endsWith('/package.json'))) {
    const { name, exports = {} } = JSON.parse(readFileSync(inRoot(path), 'utf8')) as {
      readonly name: string;
      readonly exports?: Exports;
    };
    for (const [key, target] of Object.entries(exports)) {
      const file =
        typeof target === 'string' ? target : (target['@taleback/source'] ?? target['default'] ?? '');
      targets.set(name + key.slice(1), normalize(join(dirname(path), file)));
    }
  }
  return targets;
};

const resolveImport = (
  from: string,
  specifier: string,
  known: ReadonlySet<string>,
  targets: ReadonlyMap<string, string>,
): string | undefined => {
  if (specifier.startsWith('.')) {
    const path = normalize(join(dirname(from), specifier));
    return [path, `${path}.ts`, `${path}.tsx`].find((each) => known.has(each));
  }
  const exact = targets.get(specifier);
  if (exact !== undefined) return exact;
  const [scope, name, ...rest] = specifier.split('/');
  const wildcard = targets.get(`${scope}/${name}/${rest[0]}/*`);
  return wildcard?.replace('*', rest.slice(1).join('/'));
};

/** Every counted source file with what it imports. */
export const readSources = (): SourceFile[] => {
  const paths = tracked();
  const known = new Set(paths);
  const targets = readExports(paths);
  return paths.filter(isCounted).map((path) => {
    const text = readFileSync(inRoot(path), 'utf8');
    const found = [...text.replace(COMMENT, '').matchAll(IMPORT)].flatMap(([, specifier = '']) => {
      const target = resolveImport(path, specifier, known, targets);
      return target === undefined || target === path ? [] : [target];
    });
    return { path, lines: text.split('\n').length - 1, imports: [...new Set(found)] };
  });
};

/** Groups of files that import each other in a circle. */
export const findCycles = (files: readonly SourceFile[]): string[][] => {
  const importsOf = new Map(files.map(({ path, imports }) => [path, imports]));
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const visit = (path: string): number => {
    const index = order.size;
    order.set(path, index);
    let lowest = index;
    stack.push(path);
    for (const next of importsOf.get(path) ?? []) {
      if (!importsOf.has(next)) continue;
      if (!order.has(next)) lowest = Math.min(lowest, visit(next));
      else if (stack.includes(next)) lowest = Math.min(lowest, order.get(next) ?? index);
    }
    low.set(path, lowest);
    if (lowest === index) {
      const cycle = stack.splice(stack.indexOf(path));
      if (cycle.length > 1) cycles.push(cycle);
    }
    return lowest;
  };
  for (const { path } of files) if (!order.has(path)) visit(path);
  return cycles;
};
