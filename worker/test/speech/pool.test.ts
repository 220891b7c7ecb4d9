import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createFliteEngine } from '../../src/engines/flite/flite-engine.ts';
import type { WasmModule } from '../../src/engines/flite/web-assembly.ts';
import { compileFlite } from '../../src/engines/index.ts';
import { SpeechPool, type SpeechPoolOptions, speechThreadsFrom } from '../../src/manager/index.ts';
import { type BuiltThreads, buildThreads } from '../build-threads.ts';
import { watchThreads } from './watch-threads.ts';

/** About a second of work that cannot be interrupted from inside. */
const SLOW = { text: `${'w'.repeat(39)} `.repeat(6), voiceId: 'slt' };
const QUICK = { text: 'Quick.', voiceId: 'kal16' };

let module: WasmModule;
let built: BuiltThreads;
let pool: SpeechPool | undefined;
const { livingThreads } = watchThreads();

beforeAll(async () => {
  [module, built] = await Promise.all([compileFlite(), buildThreads()]);
});
afterEach(() => pool?.close());

const openPool = (options: Partial<SpeechPoolOptions> = {}): SpeechPool => {
  pool = new SpeechPool({
    openThread: speechThreadsFrom(built.speechThreadFile, module),
    size: 2,
    ...options,
  });
  return pool;
};

/** A slow chunk that is surely being spoken: a chunk given later to the other thread has come back. */
const startSlow = async (speaking: SpeechPool, signal?: AbortSignal) => {
  await Promise.all([speaking.synthesizeChunk(QUICK), speaking.synthesizeChunk(QUICK)]);
  const slow = speaking.synthesizeChunk(SLOW, { signal });
  slow.catch(() => {});
  await speaking.synthesizeChunk(QUICK);
  expect(speaking.stats()).toMatchObject({ threads: 2, busy: 1 });
  return { slow };
};

describe('SpeechPool with real threads', { timeout: 30_000 }, () => {
  test('gives each of 100 requests its own sound', async () => {
    const texts = Array.from({ length: 100 }, (_, index) => `Story ${index}, part ${100 - index}.`);
    const speaking = openPool();
    const together = await Promise.all(
      texts.map((text) => speaking.synthesizeChunk({ text, voiceId: 'kal16' })),
    );
    const alone = createFliteEngine(module);
    for (const [index, text] of texts.entries()) {
      const { samples } = await alone.synthesizeChunk({ text, voiceId: 'kal16' });
      expect(Buffer.from(samples.buffer).equals(Buffer.from(together[index]!.samples.buffer))).toBe(true);
    }
  });

  test('aborts in the middle of a chunk and goes on', async () => {
    const speaking = openPool();
    const stop = new AbortController();
    const { slow } = await startSlow(speaking, stop.signal);
    stop.abort();
    await expect(slow).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(speaking.stats()).toEqual({ threads: 1, busy: 0, waiting: 0 });
    await Promise.all([speaking.synthesizeChunk(QUICK), speaking.synthesizeChunk(QUICK)]);
    expect(speaking.stats().threads).toBe(2);
  });

  test('speaks the whole chunk although its thread is killed', async () => {
    const speaking = openPool();
    const whole = await createFliteEngine(module).synthesizeChunk(SLOW);
    const { slow } = await startSlow(speaking);
    speaking.killThread(0);
    speaking.killThread(1);
    expect(Buffer.from((await slow).samples.buffer).equals(Buffer.from(whole.samples.buffer))).toBe(true);
  });

  test('stops a chunk that takes too long', async () => {
    const speaking = openPool({ chunkTimeoutMs: 1 });
    await expect(speaking.synthesizeChunk(SLOW)).rejects.toMatchObject({ code: 'timed_out' });
    await speaking.close();
    expect(livingThreads()).toBe(0);
  });

  test.each([
    ['throws', 'throw new Error("no luck")', 'no luck'],
    ['exits', 'process.exit(7)', 'exit code 7'],
  ])('gives up on a thread that %s', async (_name, source, details) => {
    const speaking = openPool({
      openThread: speechThreadsFrom(new URL(`data:text/javascript,${source}`), undefined),
    });
    await expect(speaking.synthesizeChunk(QUICK)).rejects.toMatchObject({ code: 'worker_lost', details });
  });

  test('leaves no thread behind when it closes in the middle of work', async () => {
    const speaking = openPool();
    const { slow } = await startSlow(speaking);
    const waiting = Promise.allSettled([SLOW, QUICK, QUICK].map((chunk) => speaking.synthesizeChunk(chunk)));
    expect(livingThreads()).toBe(2);
    await speaking.close();
    expect(livingThreads()).toBe(0);
    await expect(slow).rejects.toMatchObject({ code: 'job_cancelled' });
    expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });
});
