import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openWorkerToken, readWorkerToken } from './worker-token.node.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'taleback-token-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('is made once for all workers of a folder, and read by its user only', async () => {
  expect(await readWorkerToken(folder)).toBeUndefined();
  const tokens = await Promise.all(Array.from({ length: 8 }, () => openWorkerToken(folder)));
  expect(new Set([...tokens, await readWorkerToken(folder)]).size).toBe(1);
  expect(tokens[0]).toMatch(/^[\w-]{43}$/);
  expect(readdirSync(folder)).toEqual(['.worker-token']);
  expect(statSync(join(folder, '.worker-token')).mode & 0o777).toBe(0o600);
});

it('is not made where nothing can be written', async () => {
  await expect(openWorkerToken(join(folder, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
});
