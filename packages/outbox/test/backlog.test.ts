import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { formatEntry, readWaiting } from '../src/index.ts';
import { messageTo } from './child-message.ts';
import { openRecordingReceiver, type RecordingReceiver } from './recording-receiver.ts';
import { OUTBOX_CHILD, startChild } from './start-child.ts';

const COUNT = process.env['TEST_SIZE'] === 'all' ? 10_000 : 1_300;
/** Together at least 78 MB, which would not fit into the heap that the child gets. */
const PADDING = 60_000;
const HEAP_MB = 64;

let root: string;
let receiver: RecordingReceiver;
const received = new Set<string>();
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'taleback-backlog-'));
  receiver = await openRecordingReceiver(({ headers }) => {
    received.add(headers.get('webhook-id') ?? '');
    return { status: 200 };
  });
});
afterEach(async () => {
  await receiver.close();
  await rm(root, { recursive: true, force: true });
});

it('a backlog of thousands, of an earlier version, drains in bounded memory', {
  timeout: 600_000,
}, async () => {
  const folder = join(root, 'outbox');
  await mkdir(folder, { recursive: true });
  const startMs = Date.now() - 60_000;
  for (let index = 0; index < COUNT; index += 1) {
    const message = messageTo(receiver.url, `s${index}-1`, PADDING);
    const stamp = String(startMs + index).padStart(15, '0');
    const id = index.toString(16).padStart(12, '0');
    // As version 0.1 wrote them.
    const file = `${stamp}-aaaaaaaaaaaa-${id}-${id}.json`;
    await writeFile(join(folder, file), formatEntry({ message, createdMs: startMs + index }));
  }
  const child = startChild(OUTBOX_CHILD, { FOLDER: folder, AUDIO: join(root, 'audio'), URL: receiver.url }, [
    `--max-old-space-size=${HEAP_MB}`,
  ]);
  const { delivered, peakRssBytes = 0 } = await child.line('empty');
  expect(await child.ended).toEqual({ code: 0, signal: null });
  expect(delivered).toBe(COUNT);
  expect(received.size).toBe(COUNT);
  expect((await readdir(folder)).filter((name) => name.endsWith('.json'))).toEqual([]);
  expect(readWaiting(folder).count).toBe(0);
  expect(peakRssBytes).toBeLessThan(300 * 2 ** 20);
});
