import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readWaiting } from '../src/index.ts';
import { openRecordingReceiver, type RecordingReceiver, type Reply } from './recording-receiver.ts';
import { type OutboxChild, OUTBOX_CHILD, startChild } from './start-child.ts';

let root: string;
let folder: string;
let audio: string;
let receiver: RecordingReceiver;
let reply: (id: string) => Reply;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'taleback-outbox-'));
  reply = () => ({ status: 200 });
  receiver = await openRecordingReceiver(({ headers }) => reply(headers.get('webhook-id') ?? ''));
});
afterEach(async () => {
  await receiver.close();
  await rm(root, { recursive: true, force: true });
});

const useFolder = async (name: string): Promise<void> => {
  folder = join(root, name);
  audio = join(root, `${name}-audio`);
  await mkdir(folder, { recursive: true });
};

const start = (environment: Readonly<Record<string, string>> = {}): OutboxChild =>
  startChild(OUTBOX_CHILD, { FOLDER: folder, AUDIO: audio, URL: receiver.url, ...environment });

/** Whether the child ended in order, not killed. */
const endsWell = async (child: OutboxChild): Promise<boolean> => {
  const { code, signal } = await child.ended;
  expect([code, signal]).toEqual(signal === 'SIGKILL' ? [null, 'SIGKILL'] : [0, null]);
  return signal === null;
};

const bodiesLeft = (): Promise<string[]> => readdir(join(folder, 'bodies')).catch(() => []);

const receivedIds = (): Set<string> =>
  new Set(receiver.requests.map(({ headers }) => headers.get('webhook-id') ?? ''));

const deadLetters = async (): Promise<string[]> =>
  (await readdir(audio, { recursive: true }).catch(() => [])).filter((name) => name.endsWith('.json'));

describe('kill -9', { timeout: 900_000 }, () => {
  it('before each single step on the disk in turn: nothing that was written is lost', async () => {
    // The first is accepted; the second is refused, so that its substitute, the store and the removal have steps too.
    reply = (id) => ({ status: id === 'ready_b-2' ? 422 : 200 });
    let crashAt = 0;
    for (let isThrough = false; !isThrough; ) {
      crashAt += 1;
      await useFolder(`step-${crashAt}`);
      const before = receiver.requests.length;
      const first = start({ IDS: 'a-1,b-2', CRASH_AT: String(crashAt), LONG_IDS: 'b-2' });
      isThrough = await endsWell(first);
      expect(await endsWell(start())).toBe(true);
      const seen = new Set(
        receiver.requests.slice(before).map(({ headers }) => headers.get('webhook-id') ?? ''),
      );
      const isRefused = first.put().includes('b-2');
      const owed = first.put().map((id) => `ready_${id}`);
      if (isRefused) owed.push('failed_b-2');
      expect(
        owed.filter((id) => !seen.has(id)),
        `killed before step ${crashAt}`,
      ).toEqual([]);
      // Written but not said to be, it is refused all the same.
      expect((await deadLetters()).length, `killed before step ${crashAt}`).toBe(
        isRefused || seen.has('ready_b-2') ? 1 : 0,
      );
      expect(readWaiting(folder).count).toBe(0);
      expect(await bodiesLeft()).toEqual([]);
      expect((await readdir(folder)).filter((name) => !/^(outbox\.db|bodies)/.test(name))).toEqual([]);
    }
    // Opening, two messages and a substitute: commits, flushes, removals.
    expect(crashAt).toBeGreaterThan(20);
  });

  it('at random moments, with a receiver that fails in every way: each message arrives in the end', async () => {
    await useFolder('random');
    const moods: Reply[] = [
      { status: 200 },
      { status: 200 },
      { status: 500 },
      { status: 503, headers: { 'retry-after': '0' } },
      (incoming) => incoming.socket.resetAndDestroy(),
      (_, outgoing) => void setTimeout(() => outgoing.end('{}'), 30),
    ];
    let count = 0;
    reply = () => moods[(count += 7) % moods.length] ?? { status: 200 };
    const put = new Set<string>();
    let killed = 0;
    for (let round = 0; round < 30; round += 1) {
      const ids = Array.from({ length: 20 }, (_, index) => `s${round}x${index % 7}-${index}`);
      const child = start({ IDS: ids.join(',') });
      await child.line('open');
      await wait(((round * 37) % 101) * 2);
      child.signal('SIGKILL');
      if (!(await endsWell(child))) killed += 1;
      for (const id of child.put()) put.add(id);
    }
    reply = () => ({ status: 200 });
    expect(await endsWell(start())).toBe(true);
    expect(killed).toBeGreaterThan(15);
    expect(put.size).toBeGreaterThan(20);
    const received = receivedIds();
    expect([...put].filter((id) => !received.has(`ready_${id}`))).toEqual([]);
    expect(readWaiting(folder).count).toBe(0);
  });
});
