import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type OpenSoundFiles, openSoundFiles } from '../../src/protocol/sound-files.node.ts';

/** Part of every Unix. */
const MKFIFO = 'mkfifo';

let files: OpenSoundFiles;
beforeEach(async () => {
  files = await openSoundFiles();
});
afterEach(() => files.close());

describe('sound files', () => {
  test('are taken whole, once', async () => {
    const path = files.newPath();
    writeFileSync(path, Uint8Array.of(1, 2, 3));
    expect(await files.take(path)).toEqual(Uint8Array.of(1, 2, 3));
    expect(existsSync(path)).toBe(false);
    await expect(files.take(path)).rejects.toThrow('ENOENT');
  });

  test('have names that were never used', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => files.newPath())).size).toBe(1_000);
  });

  test.each([
    ['a link', (path: string) => symlinkSync('/etc/hostname', path)],
    ['a folder', (path: string) => mkdirSync(path)],
    ['a pipe', (path: string) => execFileSync(MKFIFO, [path])],
    [
      'more than any sound',
      (path: string) => {
        writeFileSync(path, '');
        truncateSync(path, 65 * 2 ** 20);
      },
    ],
  ])('are no %s, which is removed all the same', async (_, make) => {
    const path = files.newPath();
    make(path);
    await expect(files.take(path)).rejects.toThrow(/no sound file|ELOOP/);
    expect(existsSync(path)).toBe(false);
    expect(existsSync('/etc/hostname')).toBe(true);
  });

  test('are discarded, there or not, and gone with their folder', async () => {
    const [first, second] = [files.newPath(), files.newPath()];
    writeFileSync(first, 'a');
    files.discard(first);
    files.discard(second);
    await expect.poll(() => existsSync(first)).toBe(false);
    writeFileSync(second, 'b');
    await files.close();
    expect(existsSync(dirname(second))).toBe(false);
  });

  test('of a process that is gone are swept up after an hour, by the next process', async () => {
    const parent = dirname(dirname(files.newPath()));
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    const [old, fresh] = ['old', 'new'].map((name) => join(parent, `taleback-${gone}-${name}`));
    for (const folder of [old, fresh]) mkdirSync(folder ?? '');
    utimesSync(old ?? '', 0, Date.now() / 1000 - 3_601);
    await (await openSoundFiles()).close();
    expect([old, fresh].map((folder) => existsSync(folder ?? ''))).toEqual([false, true]);
    rmdirSync(fresh ?? '');
  });
});
