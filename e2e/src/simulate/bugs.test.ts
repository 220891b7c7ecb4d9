import { readFile } from 'node:fs/promises';
import { inRoot } from '@taleback/scripts/src/paths.ts';
import { expect, it } from 'vitest';
import { BUGS, plant } from './bugs.ts';

it.each(BUGS)('can be planted: $what', async (bug) => {
  const source = await readFile(inRoot(bug.file), 'utf8');
  expect(plant(bug, source)).not.toBe(source);
});
