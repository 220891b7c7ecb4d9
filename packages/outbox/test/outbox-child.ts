import { writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '@taleback/resilience';
import {
  callbackSubstitute,
  createHttpPost,
  createSendOnce,
  formatDeadLetter,
  Outbox,
  OutboxStore,
  writeWhole,
} from '../src/index.ts';
import { messageTo } from './child-message.ts';
import { crashAtStep } from './crashing.ts';

/**
 * A process with an outbox. It writes the messages that `IDS` names to the receiver at `URL`, says so of each, and ends
 * with 0 when nothing waits, unless `STAYS` has it wait for more. The bodies of `LONG_IDS` lie in files of their own. `CRASH_AT` kills it before that step on the disk.
 */
const {
  FOLDER = '',
  AUDIO = '',
  URL: url = '',
  IDS = '',
  CRASH_AT = '0',
  STAYS = '',
  LONG_IDS = '',
} = process.env;

const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);

crashAtStep(Number(CRASH_AT));
const outbox = new Outbox({
  store: new OutboxStore(FOLDER, () => {}),
  send: createSendOnce({
    post: createHttpPost({ allowPrivate: true, timeoutMs: 5_000 }).post,
    secrets: [Buffer.alloc(24, 1)],
    now: Date.now,
  }),
  substituteFor: callbackSubstitute,
  keepDeadLetter: async (letter) => {
    const { story_id: story } = JSON.parse(letter.message.body) as { story_id: string };
    await mkdir(AUDIO, { recursive: true });
    await writeWhole(join(AUDIO, `${story}-${letter.createdMs}.json`), formatDeadLetter(letter));
  },
  policy: {
    backoff: { kind: 'exponential', initialMs: 5, maxMs: 50, jitter: 'equal' },
    deadlineMs: 3_600_000,
    unauthorizedMs: 60_000,
  },
  clock: systemClock,
  random: Math.random,
  log: () => {},
});
process.on('SIGTERM', () => {
  void outbox.close().then(() => process.exit(0));
});

await outbox.open();
say({ kind: 'open' });
for (const id of IDS.split(',').filter((item) => item !== '')) {
  await outbox.put(messageTo(url, id, LONG_IDS.split(',').includes(id) ? 70_000 : 0));
  say({ kind: 'put', id });
}
say({ kind: 'all-put' });
// Another process may send: then there is nothing to wait for here but the end.
const isDone = (): boolean => STAYS !== 'always' && outbox.status().depth === 0;
while (!isDone()) await wait(5);
say({ kind: 'empty', ...outbox.status(), peakRssBytes: process.resourceUsage().maxRSS * 1024 });
await outbox.close();
process.exit(0);
