import { readFileSync } from 'node:fs';
import { inRoot } from '@taleback/scripts/src/paths.ts';
import { filesOfCallback } from './house-callback.ts';
import { readSources, roomOf, type SourceFile, workspaceOf } from './house-files.ts';
import { filesOfStory } from './house-story.ts';
import { type BenchResult, type Goal, judged } from './measure.ts';

type Budgets = Readonly<Record<string, { readonly most: number; readonly why: string }>>;

const SMALL_LINES = 30;
const isShipped = (path: string): boolean => /^(packages|functions|worker|cli|web)\//.test(path);

const sum = (files: readonly SourceFile[]): number => files.reduce((total, { lines }) => total + lines, 0);

/** The pairs of places, by `placeOf`, of which one imports the other. */
const arrowsBetween = (files: readonly SourceFile[], placeOf: (path: string) => string): Set<string> =>
  new Set(
    files.flatMap(({ path, imports }) =>
      imports
        .map((target) => [placeOf(path), placeOf(target)])
        .flatMap(([a, b]) => (a === b ? [] : [`${a} > ${b}`])),
    ),
  );

const roomArrows = (files: readonly SourceFile[], workspace: string): Set<string> => {
  const own = files.filter(({ path }) => path.startsWith(`${workspace}/src/`));
  const inside = own.map((file) => ({
    ...file,
    imports: file.imports.filter((target) => target.startsWith(`${workspace}/src/`)),
  }));
  return arrowsBetween(inside, roomOf);
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** How large the code base is, and how much of it one message or one story passes through. */
export const run = async (): Promise<BenchResult> => {
  const budgets = JSON.parse(readFileSync(inRoot('bench/house.json'), 'utf8')) as Budgets;
  const { files, cycles } = readSources();
  const byWorkspace = Map.groupBy(files, ({ path }) => workspaceOf(path));
  for (const [workspace, own] of [...byWorkspace].sort(([one], [other]) => one.localeCompare(other))) {
    const small = own.filter(({ lines }) => lines <= SMALL_LINES).length;
    say(
      `${workspace.padEnd(24)} ${String(sum(own)).padStart(6)} lines ${String(own.length).padStart(4)} files, ${small} small`,
    );
  }
  const small = files.filter(({ path, lines }) => lines <= SMALL_LINES && !path.endsWith('.node.ts'));
  const arrows = {
    workspaceArrows: arrowsBetween(files, workspaceOf),
    functionsArrows: roomArrows(files, 'functions'),
    speechArrows: roomArrows(files, 'packages/speech'),
    workerArrows: roomArrows(files, 'worker'),
    webArrows: roomArrows(files, 'web'),
  };
  for (const [name, set] of Object.entries(arrows)) say(`${name}: ${[...set].sort().join(', ')}`);
  for (const cycle of cycles) say(`cycle: ${cycle}`);
  const callback = await filesOfCallback();
  say(`one error callback: ${callback.join(' ')}`);
  const story = await filesOfStory();
  say(`one story: ${story.join(' ')}`);
  const figures: Record<string, number> = {
    lines: sum(files),
    files: files.length,
    shippedLines: sum(files.filter(({ path }) => isShipped(path))),
    smallFilesPercent: Math.round((1000 * small.length) / files.length) / 10,
    ...Object.fromEntries(Object.entries(arrows).map(([name, set]) => [name, set.size])),
    cycles: cycles.length,
    callbackFiles: callback.length,
    storyFiles: story.length,
  };
  for (const [name, { most, why }] of Object.entries(budgets)) {
    const value = figures[name];
    say(
      `${value !== undefined && value <= most ? 'ok    ' : 'MISSED'} ${name} ${value} (at most ${most}) ${why}`,
    );
  }
  const goals = Object.entries(budgets).map(([name, { most }]): [string, Goal] => {
    return [name, { words: `at most ${most}`, isMet: (value) => value <= most }];
  });
  return judged('house', figures, Object.fromEntries(goals));
};
