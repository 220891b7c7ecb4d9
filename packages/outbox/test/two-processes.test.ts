import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readWaiting } from '../src/index.ts';
import { openRecordingReceiver, type RecordingReceiver } from './recording-receiver.ts';
import { OUTBOX_CHILD, type OutboxChild, startChild } from './start-child.ts';

let root: string;
let receiver: RecordingReceiver;
/** Ids on their way now, and those that were sent while they were already on their way. */
const underWay = new Set<string>();
const twiceAtOnce: string[] = [];
const children: OutboxChild[] = [];
beforeEach(async () => {
  underWay.clear();
  twiceAtOnce.length = 0;
  root = await mkdtemp(join(tmpdir(), 'taleback-outbox-'));
  receiver = await openRecordingReceiver(({ headers }) => (_, outgoing) => {
    const id = headers.get('webhook-id') ?? '';
    if (underWay.has(id)) twiceAtOnce.push(id);
    underWay.add(id);
    outgoing.on('close', () => underWay.delete(id));
    setTimeout(() => outgoing.end('{}'), 3);
  });
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.signal('SIGKILL');
    await child.ended;
  }
  await receiver.close();
  await rm(root, { recursive: true, force: true });
});

const start = (prefix: string, count: number): OutboxChild => {
  const ids = Array.from({ length: count }, (_, index) => `${prefix}${index % 11}-${index}`);
  const child = startChild(OUTBOX_CHILD, {
    FOLDER: join(root, 'outbox'),
    AUDIO: join(root, 'audio'),
    URL: receiver.url,
    IDS: ids.join(','),
    STAYS: 'always',
  });
  children.push(child);
  return child;
};

const received = (): string[] => receiver.requests.map(({ headers }) => headers.get('webhook-id') ?? '');
const left = (): number => readWaiting(join(root, 'outbox')).count;
const until = (check: () => Promise<void> | void): Promise<void> =>
  vi.waitFor(check, { timeout: 120_000, interval: 10 });

describe('two processes at one outbox', () => {
  it('send each message once: what the second writes, the first sends', async () => {
    const first = start('a', 0);
    await first.line('all-put');
    const others = [start('b', 60), start('c', 60)];
    await Promise.all(others.map((child) => child.line('all-put')));
    await until(() => {
      expect(received()).toHaveLength(120);
      expect(left()).toBe(0);
    });
    expect(new Set(received()).size).toBe(120);
    expect(twiceAtOnce).toEqual([]);
  });

  it('keep the order of each story', async () => {
    await start('a', 0).line('all-put');
    await start('b', 66).line('all-put');
    await until(() => expect(received()).toHaveLength(66));
    for (let story = 0; story < 11; story += 1) {
      const order = received()
        .filter((id) => id.startsWith(`ready_b${story}-`))
        .map((id) => Number(id.split('-')[1]));
      expect(order).toEqual([...order].sort((one, other) => one - other));
      expect(order).toHaveLength(6);
    }
  });

  it('take over from each other when the one that sends is killed, and lose nothing', async () => {
    for (let round = 0; round < 6; round += 1) {
      const [sends, ...waits] = children;
      const next = start(`r${round}x`, 30);
      if (waits.length === 0) await next.line('all-put');
      sends?.signal('SIGKILL');
      await sends?.ended;
      children.splice(0, sends === undefined ? 0 : 1);
      await next.line('all-put');
    }
    await until(() => {
      expect(left()).toBe(0);
      expect(new Set(received()).size).toBe(180);
    });
    expect(twiceAtOnce).toEqual([]);
  });

  it('a stop hands over in order: nothing is sent twice', async () => {
    const first = start('a', 40);
    await first.line('all-put');
    const second = start('b', 40);
    await second.line('open');
    first.signal('SIGTERM');
    expect(await first.ended).toEqual({ code: 0, signal: null });
    await second.line('all-put');
    await until(() => {
      expect(new Set(received()).size).toBe(80);
      expect(left()).toBe(0);
    });
    expect(received()).toHaveLength(80);
    expect(twiceAtOnce).toEqual([]);
  });
});
