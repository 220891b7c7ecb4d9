import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readWaiting } from '../src/index.ts';
import { type ChildFolders, createChildOutbox } from './child-outbox.ts';
import { openRecordingReceiver, type RecordingReceiver, type Reply } from './recording-receiver.ts';
import { OUTBOX_CHILD, type OutboxChild, startChild } from './start-child.ts';

let root: string;
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

/** A folder with an outbox, which posts below a path of its own. */
interface Place extends ChildFolders {
  readonly name: string;
}

const createPlace = async (name: string): Promise<Place> => {
  const place = { name, folder: join(root, name), audio: join(root, `${name}-audio`) };
  await mkdir(place.folder, { recursive: true });
  return place;
};

const start = ({ name, folder, audio }: Place, environment: Record<string, string>): OutboxChild =>
  startChild(OUTBOX_CHILD, {
    FOLDER: folder,
    AUDIO: audio,
    URL: `${receiver.url}/${name}`,
    // Half of what a child costs is the compilation of its modules.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(root, 'compiled'),
    ...environment,
  });

/** Whether the child ended in order, not killed. */
const endsWell = async (child: OutboxChild): Promise<boolean> => {
  const { code, signal } = await child.ended;
  expect([code, signal]).toEqual(signal === 'SIGKILL' ? [null, 'SIGKILL'] : [0, null]);
  return signal === null;
};

/** What the process does that follows: this one. */
const sendWhatIsLeft = async (place: Place): Promise<void> => {
  const outbox = createChildOutbox(place);
  await outbox.open();
  expect(outbox.status().sending).toBe(true);
  await outbox.drained();
  await outbox.close();
};

const receivedIds = ({ name }: Place): Set<string> =>
  new Set(
    receiver.requests
      .filter(({ path }) => path.startsWith(`/${name}/`))
      .map(({ headers }) => headers.get('webhook-id') ?? ''),
  );

const jsonFilesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true }).catch(() => [])).filter((name) => name.endsWith('.json'));

/** The first is accepted; the second is refused, so that its substitute, the store and the removal have steps too. */
const MESSAGES = { IDS: 'a-1,b-2', LONG_IDS: 'b-2' };
/** Of processes killed at random moments. */
const ROUNDS = process.env['TEST_SIZE'] === 'all' ? 20 : 10;
/** Children at once. */
const LANES = 3;

const killBefore = async (step: number): Promise<void> => {
  const place = await createPlace(`step-${step}`);
  const child = start(place, { ...MESSAGES, CRASH_AT: String(step) });
  expect(await endsWell(child), `killed before step ${step}`).toBe(false);
  await sendWhatIsLeft(place);
  const seen = receivedIds(place);
  const isRefused = child.put().includes('b-2');
  const owed = child.put().map((id) => `ready_${id}`);
  if (isRefused) owed.push('failed_b-2');
  expect(
    owed.filter((id) => !seen.has(id)),
    `killed before step ${step}`,
  ).toEqual([]);
  // Written but not said to be, it is refused all the same.
  expect((await jsonFilesIn(place.audio)).length, `killed before step ${step}`).toBe(
    isRefused || seen.has('ready_b-2') ? 1 : 0,
  );
  expect(readWaiting(place.folder).count).toBe(0);
  expect(await readdir(join(place.folder, 'bodies')).catch(() => [])).toEqual([]);
  const others = (await readdir(place.folder)).filter((name) => !/^(outbox\.db|bodies)/.test(name));
  expect(others).toEqual([]);
};

describe('kill -9', () => {
  it('before each single step on the disk in turn: nothing that was written is lost', async () => {
    reply = (id) => ({ status: id === 'ready_b-2' ? 422 : 200 });
    // How many there are; and the compiled modules, which a killed process does not leave.
    const whole = start(await createPlace('whole'), MESSAGES);
    const { steps = 0 } = await whole.line('empty');
    expect(await endsWell(whole)).toBe(true);
    // Opening, two messages and a substitute: commits, flushes, removals.
    expect(steps).toBeGreaterThan(20);
    let next = 1;
    const killInTurn = async (): Promise<void> => {
      while (next <= steps) {
        next += 1;
        await killBefore(next - 1);
      }
    };
    await Promise.all(Array.from({ length: LANES }, killInTurn));
  });

  it('at random moments, with a receiver that fails in every way: each message arrives in the end', async () => {
    const place = await createPlace('random');
    expect(await endsWell(start(place, {}))).toBe(true);
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
    for (let round = 0; round < ROUNDS; round += 1) {
      const ids = Array.from({ length: 20 }, (_, index) => `s${round}x${index % 7}-${index}`);
      const child = start(place, { IDS: ids.join(',') });
      await child.line('open');
      await wait(((round * 37) % 101) * 2);
      child.signal('SIGKILL');
      if (!(await endsWell(child))) killed += 1;
      for (const id of child.put()) put.add(id);
    }
    reply = () => ({ status: 200 });
    await sendWhatIsLeft(place);
    expect(killed).toBeGreaterThan(ROUNDS / 2);
    expect(put.size).toBeGreaterThan(ROUNDS);
    const received = receivedIds(place);
    expect([...put].filter((id) => !received.has(`ready_${id}`))).toEqual([]);
    expect(readWaiting(place.folder).count).toBe(0);
  });
});
