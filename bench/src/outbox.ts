import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { Outbox, OutboxStore } from '@taleback/outbox';
import { systemClock } from '@taleback/resilience';
import { atMost, type BenchResult, elapsedMs, judged, percentile } from './measure.ts';

const ROUNDS = 500;
const WARM_UP = 20;
/** Between two messages: the finished narrations of a busy worker come slower. Milliseconds. */
const PAUSE_MS = 5;
const MAX_PUT_MS = 20;
const MAX_DELAY_MS = 10;
/** What a callback has, and one that lies in a file of its own. Bytes. */
const SIZES = { callback: 2_000, long: 100_000 } as const;

/** The floor: a file of that size, written and flushed. */
const writeFlushed = async (path: string, body: string): Promise<void> => {
  const file = await open(path, 'w');
  await file.writeFile(body);
  await file.sync();
  await file.close();
};

/** What a message costs before it may be sent, and how long the event loop stands still for it, beside a flushed file. */
export const run = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-bench-outbox-'));
  const outbox = new Outbox({
    store: new OutboxStore(join(folder, 'outbox'), () => {}),
    send: async () => ({ kind: 'accepted' }),
    policy: {
      backoff: { kind: 'exponential', initialMs: 1_000, maxMs: 1_000, jitter: 'none' },
      deadlineMs: 60_000,
      unauthorizedMs: 0,
    },
    clock: systemClock,
    random: Math.random,
    log: () => {},
  });
  await outbox.open();
  const figures: Record<string, number> = {};
  try {
    for (const [name, sizeBytes] of Object.entries(SIZES)) {
      const body = JSON.stringify({ text: 'x'.repeat(sizeBytes) });
      const puts: number[] = [];
      const floors: number[] = [];
      const delay = monitorEventLoopDelay({ resolution: 1 });
      for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
        if (round === WARM_UP) delay.reset();
        delay.enable();
        const message = { url: 'https://receiver.example/callback', messageId: `${name}_${round}`, body };
        const putMs = await elapsedMs(() => outbox.put(message));
        await wait(PAUSE_MS);
        delay.disable();
        const floorMs = await elapsedMs(() => writeFlushed(join(folder, 'floor'), body));
        await wait(PAUSE_MS);
        if (round < WARM_UP) continue;
        puts.push(putMs);
        floors.push(floorMs);
      }
      figures[`${name}: put p50 ms`] = percentile(puts, 0.5);
      figures[`${name}: put p99 ms`] = percentile(puts, 0.99);
      figures[`${name}: flushed file p50 ms`] = percentile(floors, 0.5);
      figures[`${name}: flushed file p99 ms`] = percentile(floors, 0.99);
      figures[`${name}: event loop delay p99 ms`] = Math.round(delay.percentile(99) / 10_000) / 100;
    }
    return judged('outbox', figures, {
      'callback: put p99 ms': atMost(MAX_PUT_MS),
      'callback: event loop delay p99 ms': atMost(MAX_DELAY_MS),
      'long: put p99 ms': atMost(MAX_PUT_MS),
      'long: event loop delay p99 ms': atMost(MAX_DELAY_MS),
    });
  } finally {
    await outbox.close();
    await rm(folder, { recursive: true, force: true });
  }
};
