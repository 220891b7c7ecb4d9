import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { inRoot } from '@taleback/scripts/src/paths.ts';

export interface SourceFile {
  /** From the project's folder, with `/`. */
  readonly path: string;
  readonly lines: number;
  /** Paths of our own files that it imports, types included. */
  readonly imports: readonly string[];
}

const SOURCE = /\.(ts|tsx|mts|mjs|js|css|py|html)$/;
const WORKSPACES = ['packages', 'functions', 'worker', 'cli', 'web', 'scripts', 'bench', 'e2e'];

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

/** What dependency-cruiser finds: each file's imports, and whether they lead back to it. */
interface Cruised {
  readonly modules: readonly {
    readonly source: string;
    readonly dependencies: readonly {
      readonly resolved: string;
      readonly cycle?: readonly { readonly name: string }[];
    }[];
  }[];
}

/** Every counted source file with what it imports, and groups of files that import each other in a circle. */
export const readSources = (): { readonly files: SourceFile[]; readonly cycles: readonly string[] } => {
  const printed = execFileSync(
    inRoot('node_modules/.bin/depcruise'),
    [...WORKSPACES, '--output-type', 'json'],
    { cwd: inRoot(), maxBuffer: 2 ** 27 },
  );
  const { modules } = JSON.parse(printed.toString('utf8')) as Cruised;
  const importsOf = new Map(
    modules.map(({ source, dependencies }) => [source, dependencies.map(({ resolved }) => resolved)]),
  );
  const paths = tracked().filter(isCounted);
  const files = paths.map((path) => {
    const imports = importsOf.get(path)?.filter((target) => paths.includes(target)) ?? [];
    return { path, lines: readFileSync(inRoot(path), 'utf8').split('\n').length - 1, imports };
  });
  const cycles = modules.flatMap(({ dependencies }) =>
    dependencies.flatMap(
      ({ cycle }) =>
        cycle
          ?.map(({ name }) => name)
          .toSorted()
          .join(', ') ?? [],
    ),
  );
  return { files, cycles: [...new Set(cycles)] };
};
