import { writeSync } from 'node:fs';
import { type Clock, systemClock } from '@taleback/resilience';
import { SoundCache } from '../../src/cache/sound-cache.ts';
import { createFaultyDisk } from './faulty-disk.ts';
import { isNumber, keyOf, numberedSound } from './numbered-sound.ts';

/**
 * A process with a cache of `MAX_BYTES`. It keeps the sounds `FROM` to `TO` (both included) `ROUNDS` times and says so of
 * each; after each it looks for one of the others, and says `wrong` if what it finds is not that sound. `CRASH_AT` kills
 * it before that step on the disk, 1-based; 0 never does.
 */
const {
  FOLDER = '',
  MAX_BYTES = '1000000',
  FROM = '1',
  TO = '0',
  ROUNDS = '1',
  CRASH_AT = '0',
} = process.env;

const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);

let steps = 0;
const disk = createFaultyDisk(() => {
  steps += 1;
  if (steps === Number(CRASH_AT)) process.kill(process.pid, 'SIGKILL');
});
/** Without timers: on a machine that is busy enough, two seconds for a disk are too few. */
const clock: Clock = { now: () => systemClock.now(), setTimer: () => () => {} };
const cache = new SoundCache({
  folder: FOLDER,
  disk,
  limits: { maxBytes: Number(MAX_BYTES), maxAgeMs: 3_600_000 },
  clock,
  log: (_, message, fields) => say({ kind: 'warned', id: `${message}: ${JSON.stringify(fields)}` }),
});
const [from, to] = [Number(FROM), Number(TO)];

await cache.open();
say({ kind: 'open' });
for (let round = 0; round < Number(ROUNDS); round += 1) {
  for (let id = from; id <= to; id += 1) {
    await cache.keep(keyOf(id), numberedSound(id));
    say({ kind: 'kept', id: String(id) });
    const other = from + ((id * 7 + round) % (to - from + 1));
    const isRight = await cache.find(keyOf(other), isNumber(other));
    if (isRight === false) say({ kind: 'wrong', id: String(other) });
  }
}
await cache.close();
say({ kind: 'status', id: JSON.stringify(cache.status()) });
