import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFakeClock } from '@taleback/resilience/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createControlFile, KillSwitch } from './kill-switch.node.ts';

let folder = '';
let path = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'control-file-'));
  path = join(folder, 'control.env');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Reads, and gives the stamp to know it by. */
const readText = (knownStamp?: string) => {
  const answer = createControlFile(path).read(knownStamp);
  if (answer.kind !== 'text') throw new Error(`expected a text, got ${answer.kind}`);
  return answer;
};

describe('createControlFile', () => {
  it('says that a file is missing, also when its folder is, or is no folder', () => {
    expect(createControlFile(path).read(undefined)).toEqual({ kind: 'missing' });
    expect(createControlFile(join(path, 'deep', 'er')).read(undefined)).toEqual({ kind: 'missing' });
    writeFileSync(path, '');
    expect(createControlFile(join(path, 'below')).read(undefined)).toEqual({ kind: 'missing' });
  });

  it('reads once, and again only when it changed', () => {
    writeFileSync(path, 'A=1\n');
    const { text, stamp } = readText();
    expect(text).toBe('A=1\n');
    expect(createControlFile(path).read(stamp)).toEqual({ kind: 'unchanged' });
    appendFileSync(path, 'B=2\n');
    expect(readText(stamp).text).toBe('A=1\nB=2\n');
  });

  it('notices a file moved into its place with the same size and time', () => {
    const time = new Date('2024-01-01');
    const other = join(folder, 'other.env');
    for (const [name, text] of [
      [path, 'A=1\n'],
      [other, 'A=2\n'],
    ] as const) {
      writeFileSync(name, text);
      utimesSync(name, time, time);
    }
    const { stamp } = readText();
    renameSync(other, path);
    expect(readText(stamp).text).toBe('A=2\n');
  });

  it('cannot read a folder, nor what is too large', () => {
    mkdirSync(path);
    expect(createControlFile(path).read(undefined)).toEqual({
      kind: 'unreadable',
      cause: 'not a regular file',
    });
    rmSync(path, { recursive: true });
    writeFileSync(path, 'A'.repeat(65_537));
    expect(createControlFile(path).read(undefined)).toEqual({
      kind: 'unreadable',
      cause: 'over 65536 bytes',
    });
  });

  it.skipIf(process.platform === 'win32')('does not wait for a pipe', () => {
    execFileSync('sh', ['-c', 'mkfifo control.env'], { cwd: folder });
    expect(createControlFile(path).read(undefined).kind).toBe('unreadable');
  });

  it.skipIf(process.platform === 'win32')('cannot read a link that leads to itself', () => {
    symlinkSync('control.env', path);
    expect(createControlFile(path).read(undefined).kind).toBe('unreadable');
  });

  it.skipIf(process.platform === 'win32')('the emergency disable works as it is written there', () => {
    const clock = createFakeClock();
    const killSwitch = new KillSwitch(
      { ttsProvider: 'kokoro' },
      { controlFile: createControlFile(path), clock },
    );
    expect(killSwitch.status().disabled).toBe(false);
    execFileSync('sh', ['-c', 'echo "TTS_PROVIDER=disabled" >> control.env'], { cwd: folder });
    clock.advance(1_000);
    expect(killSwitch.status()).toEqual({ disabled: true, source: 'control-file' });
    rmSync(path);
    clock.advance(1_000);
    expect(killSwitch.status()).toEqual({ disabled: false, source: 'environment' });
  });
});
