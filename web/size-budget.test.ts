import { expect, it } from 'vitest';
import { ownGzipBytes } from './size-budget.ts';

// @vitest-environment node

const code = 'export const tale = 1;'.repeat(50);

it('counts our own chunks and leaves those of others', () => {
  const own = ownGzipBytes([{ name: 'index', code }]);
  expect(own).toBeGreaterThan(0);
  const all = ['index', 'firebase-feed', 'firebase', 'preact'].map((name) => ({ name, code }));
  expect(ownGzipBytes(all)).toBe(2 * own);
});
