import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createOutboxLock } from '../src/outbox-lock.node.ts';
import type { SenderLock } from '../src/index.ts';

let root: string;
const locks: SenderLock[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'taleback-lock-'));
  await mkdir(join(root, 'outbox'));
});
afterEach(async () => {
  await Promise.all(locks.splice(0).map((lock) => lock.close()));
  await rm(root, { recursive: true, force: true });
});

const open = (folder = 'outbox'): SenderLock => {
  const lock = createOutboxLock(join(root, folder), () => {});
  locks.push(lock);
  return lock;
};

/** Whether it is acquired, now and later. */
const watch = (acquiring: Promise<boolean>): { end: boolean | undefined } => {
  const state: { end: boolean | undefined } = { end: undefined };
  const follow = async (): Promise<void> => {
    state.end = await acquiring;
  };
  void follow();
  return state;
};

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5_000, interval: 5 });

describe('the lock of an outbox', () => {
  it('has one holder, whatever path leads to the folder; the next has it when the first gives it up', async () => {
    await symlink(join(root, 'outbox'), join(root, 'other-name'));
    const first = open();
    expect(await first.acquire(() => {})).toBe(true);
    const second = watch(open('other-name').acquire(() => {}));
    const third = watch(open().acquire(() => {}));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect([second.end, third.end]).toEqual([undefined, undefined]);
    await first.close();
    await until(() => expect([second.end, third.end].filter((end) => end === true)).toHaveLength(1));
  });

  it('is another one for another folder', async () => {
    await mkdir(join(root, 'second'));
    expect(await open().acquire(() => {})).toBe(true);
    expect(await open('second').acquire(() => {})).toBe(true);
  });

  it('lets those that wait nudge the holder', async () => {
    let nudges = 0;
    await open().acquire(() => {
      nudges += 1;
    });
    const waiting = open();
    const state = watch(waiting.acquire(() => {}));
    await until(() => expect(nudges).toBe(1));
    waiting.nudge();
    await until(() => expect(nudges).toBeGreaterThan(1));
    expect(state.end).toBeUndefined();
  });

  it('ends the waiting of one that is closed', async () => {
    await open().acquire(() => {});
    const waiting = open();
    const state = watch(waiting.acquire(() => {}));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await waiting.close();
    await until(() => expect(state.end).toBe(false));
  });

  it('that cannot be asked for stops nobody from sending', async () => {
    await rm(join(root, 'outbox'), { recursive: true });
    expect(await open().acquire(() => {})).toBe(true);
  });
});
