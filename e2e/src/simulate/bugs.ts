import bugsByFile from './bugs.json' with { type: 'json' };

/** A small change of one source file that breaks a promise, for the simulation to find. */
export interface Bug {
  readonly what: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
}

/** The source with the bug. @throws Error when the source has changed, so that the bug has to be written again */
export const plant = ({ what, file, from, to }: Bug, source: string): string => {
  const parts = source.split(from);
  if (parts.length !== 2) throw new Error(`${what}: ${file} contains its text ${parts.length - 1} times`);
  return parts.join(to);
};

/** Bugs that were made, or could be. */
export const BUGS: readonly Bug[] = Object.entries(bugsByFile).flatMap(([file, bugs]) =>
  bugs.map((bug) => ({ ...bug, file })),
);
