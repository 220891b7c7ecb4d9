import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { messageTo } from './child-message.ts';
import { createChildOutbox } from './child-outbox.ts';
import { crashAtStep } from './crashing.ts';

/**
 * A process with an outbox. It writes the messages that `IDS` names to the receiver at `URL`, says so of each, and ends
 * with 0 when nothing waits, unless `STAYS` has it wait for more. The bodies of `LONG_IDS` lie in files of their own.
 * `CRASH_AT` kills it before that step on the disk.
 */
const {
  FOLDER: folder = '',
  AUDIO: audio = '',
  URL: url = '',
  IDS = '',
  CRASH_AT = '0',
  STAYS = '',
  LONG_IDS = '',
} = process.env;

const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);

const steps = crashAtStep(Number(CRASH_AT));
const outbox = createChildOutbox({ folder, audio });
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
const peakRssBytes = process.resourceUsage().maxRSS * 1024;
say({ kind: 'empty', ...outbox.status(), peakRssBytes, steps: steps() });
await outbox.close();
process.exit(0);
