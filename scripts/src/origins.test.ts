import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { inRoot } from './paths.ts';

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

it('every reference to docs/origins.md leads to a heading', () => {
  const text = readFileSync(inRoot('docs/origins.md'), 'utf8');
  const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
  expect(new Set(anchors).size).toBe(anchors.length);
  const found = execFileSync('git', ['grep', '-ohE', 'origins\\.md#[a-z0-9-]+'], {
    cwd: inRoot(),
    encoding: 'utf8',
  });
  const used = [...new Set(found.trim().split('\n'))].map((reference) =>
    reference.replace('origins.md#', ''),
  );
  expect(used.filter((anchor) => !anchors.includes(anchor))).toEqual([]);
});
