import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '@taleback/resilience';
import { createFolderRecordStore } from '@taleback/worker/src/storage/folder-audio-store.node.ts';
import { createFolderOutbox } from '../src/folder-outbox.node.ts';
import { createOutboxLock } from '../src/outbox-lock.node.ts';
import { createUndiciPost } from '../src/undici-post.node.ts';
import { createSendOnce } from '../src/callbacks-index.ts';
import { Outbox } from '../src/index.ts';
import { messageTo } from './child-message.ts';
import { createCrashingFs } from './crashing-fs.ts';

/**
 * A process with an outbox. It writes the messages that `IDS` names to the receiver at `URL`, says so of each, and ends
 * with 0 when the folder is empty, unless `STAYS` has it wait for more. `CRASH_AT` kills it before that step on the disk.
 */
const { FOLDER = '', AUDIO = '', URL: url = '', IDS = '', CRASH_AT = '0', STAYS = '' } = process.env;

const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);

const lock = createOutboxLock(FOLDER, () => {});
const outbox = new Outbox({
  files: createFolderOutbox(FOLDER, createCrashingFs(Number(CRASH_AT))),
  lock,
  records: createFolderRecordStore(AUDIO),
  sendOnce: createSendOnce({
    post: createUndiciPost({ allowPrivate: true, timeoutMs: 500 }).post,
    secrets: [Buffer.alloc(24, 1)],
    now: Date.now,
  }),
  policy: {
    backoff: { kind: 'exponential', initialMs: 5, maxMs: 50, jitter: 'equal' },
    deadlineMs: 3_600_000,
    unauthorizedMs: 60_000,
  },
  clock: systemClock,
  random: Math.random,
  newId: () => randomBytes(6).toString('hex'),
  log: () => {},
});
process.on('SIGTERM', () => {
  void outbox.close().then(() => process.exit(0));
});

await outbox.open();
say({ kind: 'open' });
for (const id of IDS.split(',').filter((item) => item !== '')) {
  await outbox.put(messageTo(url, id));
  say({ kind: 'put', id });
}
say({ kind: 'all-put' });
// Another process may send: then there is nothing to wait for here but the end.
const isDone = (): boolean => STAYS !== 'always' && outbox.status().depth === 0;
while (!isDone()) await wait(5);
say({ kind: 'empty', ...outbox.status(), peakRssBytes: process.resourceUsage().maxRSS * 1024 });
await outbox.close();
process.exit(0);
