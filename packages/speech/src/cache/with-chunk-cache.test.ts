import { TalebackError } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import type { Pcm } from '../audio/pcm.ts';
import type { SpeechChunk, SpeechEngine, SynthesisOptions } from '../engines/engine.ts';
import { openCache, ROOMY } from '../../test/cache/cache-fixture.ts';
import { withChunkCache } from './with-cache.ts';

const CHUNK: SpeechChunk = { text: 'Once upon a time.', voiceId: 'slt', language: 'en' };
const RATE_HZ = 16_000;

const tone = (ms = 1_000): Pcm => ({
  sampleRateHz: RATE_HZ,
  samples: Int16Array.from({ length: (RATE_HZ * ms) / 1000 }, (_, at) => (at % 100) * 100 - 5_000),
});
const silence = (): Pcm => ({ sampleRateHz: RATE_HZ, samples: new Int16Array(RATE_HZ) });

interface Call {
  readonly chunk: SpeechChunk;
  readonly options: SynthesisOptions | undefined;
  readonly finish: (pcm: Pcm) => void;
  readonly fail: (error: Error) => void;
}

const setUp = async (answer?: () => Pcm) => {
  const fixture = await openCache({ limits: { ...ROOMY, maxBytes: 2 ** 24 } });
  const calls: Call[] = [];
  let concurrency = 2;
  const inner: SpeechEngine = {
    name: 'staged',
    languages: ['en'],
    voices: () => [{ id: 'slt', name: 'Slt', languages: ['en'] }],
    prepareText: (text) => text.trim(),
    clonesVoices: true,
    get concurrency() {
      return concurrency;
    },
    synthesizeChunk: (chunk, options) =>
      new Promise((finish, fail) => {
        calls.push({ chunk, options, finish, fail });
        if (answer !== undefined) finish(answer());
      }),
  };
  const engine = withChunkCache(inner, fixture.cache, { engineVersion: '1' });
  const grow = (): void => {
    concurrency = 5;
  };
  return { ...fixture, inner, engine, calls, grow };
};

describe('an engine with a chunk cache', () => {
  it('notes each story that a sound was for, also of requests at the same time', async () => {
    const { engine, calls, cache } = await setUp();
    const both = ['s1', 's2'].map((owner) => engine.synthesizeChunk(CHUNK, { owner }));
    await expect.poll(() => calls.length).toBe(1);
    calls[0]?.finish(tone());
    await Promise.all(both);
    await cache.removeOf('s1');
    expect(cache.status().entries).toBe(1);
    await cache.removeOf('s2');
    expect(cache.status().entries).toBe(0);
  });

  it('speaks a chunk once, and then gives the same samples, each time others', async () => {
    const { engine, calls } = await setUp(tone);
    const first = await engine.synthesizeChunk(CHUNK, { priority: 'low', tenant: 't' });
    const second = await engine.synthesizeChunk({ ...CHUNK, speed: 1 });
    expect(calls.length).toBe(1);
    expect(calls[0]).toMatchObject({ chunk: CHUNK, options: { priority: 'low', tenant: 't' } });
    expect(first).toEqual(tone());
    expect(second).toEqual(tone());
    second.samples.fill(0);
    expect(await engine.synthesizeChunk(CHUNK)).toEqual(tone());
  });

  it('speaks again when the service was given another model', async () => {
    const { inner, cache, calls } = await setUp(tone);
    const identity = { engineVersion: 'model 1' };
    const engine = withChunkCache(inner, cache, identity);
    await engine.synthesizeChunk(CHUNK);
    identity.engineVersion = 'model 2';
    await engine.synthesizeChunk(CHUNK);
    await engine.synthesizeChunk(CHUNK);
    expect(calls.length).toBe(2);
  });

  it('has the chunk on the disk before its caller gets it', async () => {
    const { engine, files } = await setUp(tone);
    await engine.synthesizeChunk(CHUNK);
    expect(files().length).toBe(1);
  });

  it('keeps the part that is the sound, of samples within a larger buffer', async () => {
    const whole = tone(2_000);
    const { engine } = await setUp(() => ({ ...whole, samples: whole.samples.subarray(7, 16_007) }));
    await engine.synthesizeChunk(CHUNK);
    expect((await engine.synthesizeChunk(CHUNK)).samples).toEqual(whole.samples.slice(7, 16_007));
  });

  it('speaks again what differs in anything', async () => {
    const { engine, inner, cache, calls } = await setUp(tone);
    const bytes = Uint8Array.of(1);
    const others: SpeechChunk[] = [
      { ...CHUNK, text: 'Once upon a time!' },
      { ...CHUNK, voiceId: 'rms' },
      { ...CHUNK, speed: 1.1 },
      { ...CHUNK, language: 'en-GB' },
      { ...CHUNK, profile: { bytes, hash: 'a' } },
      { ...CHUNK, profile: { bytes, hash: 'b' } },
      { ...CHUNK, style: { temperature: 1 } },
      { ...CHUNK, style: { exaggeration: 1 } },
    ];
    for (const chunk of [CHUNK, ...others, ...others]) await engine.synthesizeChunk(chunk);
    expect(calls.length).toBe(1 + others.length);
    await withChunkCache(inner, cache, { engineVersion: '2' }).synthesizeChunk(CHUNK);
    await withChunkCache({ ...inner, name: 'other' }, cache, { engineVersion: '1' }).synthesizeChunk(CHUNK);
    expect(calls.length).toBe(3 + others.length);
  });

  it('speaks equal chunks at the same time once, and each gets their own samples', async () => {
    const { engine, calls, clock } = await setUp();
    const all = [1, 2, 3].map(() => engine.synthesizeChunk(CHUNK));
    await clock.settle();
    expect(calls.length).toBe(1);
    calls[0]?.finish(tone());
    const spoken = await Promise.all(all);
    expect(spoken).toEqual([tone(), tone(), tone()]);
    expect(new Set(spoken.map(({ samples }) => samples.buffer)).size).toBe(3);
  });

  it('aborts the engine with the last who waits, and keeps what it finishes all the same', async () => {
    const { engine, calls, clock, files } = await setUp();
    const controllers = [new AbortController(), new AbortController()];
    const all = controllers.map(({ signal }) => engine.synthesizeChunk(CHUNK, { signal }));
    await clock.settle();
    controllers[0]?.abort();
    await expect(all[0]).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(calls[0]?.options?.signal?.aborted).toBe(false);
    controllers[1]?.abort();
    await expect(all[1]).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(calls[0]?.options?.signal?.aborted).toBe(true);
    calls[0]?.finish(tone());
    await expect.poll(() => files().length).toBe(1);
  });

  it('speaks nothing for who left while it looked', async () => {
    const { engine, calls, clock } = await setUp();
    const controller = new AbortController();
    const speaking = engine.synthesizeChunk(CHUNK, { signal: controller.signal });
    controller.abort();
    await expect(speaking).rejects.toMatchObject({ code: 'job_cancelled' });
    await clock.settle();
    expect(calls).toEqual([]);
  });

  it('reports a failure to all callers, and tries again for the next', async () => {
    const { engine, calls, clock, files } = await setUp();
    const all = [engine.synthesizeChunk(CHUNK), engine.synthesizeChunk(CHUNK)];
    await clock.settle();
    calls[0]?.fail(new TalebackError('model_failed', 'No.'));
    for (const one of all) await expect(one).rejects.toMatchObject({ code: 'model_failed' });
    const next = engine.synthesizeChunk(CHUNK);
    await clock.settle();
    calls[1]?.finish(tone());
    expect(await next).toEqual(tone());
    expect(files().length).toBe(1);
  });

  it.each([
    ['nothing', () => ({ sampleRateHz: RATE_HZ, samples: new Int16Array(0) })],
    ['silence', silence],
    ['far too much', () => tone(60_000)],
  ])('hands on %s, and keeps nothing of it', async (_, answer) => {
    const { engine, calls, files } = await setUp(answer);
    expect((await engine.synthesizeChunk(CHUNK)).samples.length).toBe(answer().samples.length);
    await engine.synthesizeChunk(CHUNK);
    expect(calls.length).toBe(2);
    expect(files().length).toBe(0);
  });

  it('speaks on without a disk', async () => {
    const { engine, breaks } = await setUp(tone);
    for (const step of ['readFile', 'writeFile', 'prepare'] as const) breaks(step, new Error('EIO'));
    expect(await engine.synthesizeChunk(CHUNK)).toEqual(tone());
    expect(await engine.synthesizeChunk(CHUNK)).toEqual(tone());
  });

  it('gives a copy away while a slow disk still reads the samples', async () => {
    const pcm = tone();
    const { engine, breaks, clock, calls } = await setUp(() => pcm);
    breaks('writeFile', 'hangs');
    const speaking = engine.synthesizeChunk(CHUNK);
    await expect.poll(() => calls.length).toBe(1);
    await clock.advanceAsync(2_000);
    const given = await speaking;
    expect(given).toEqual(pcm);
    expect(given.samples.buffer).not.toBe(pcm.samples.buffer);
  });

  it('is the engine in everything else, as it is at the time', async () => {
    const { engine, grow } = await setUp(tone);
    expect(engine).toMatchObject({ name: 'staged', languages: ['en'], clonesVoices: true, concurrency: 2 });
    grow();
    expect(engine.concurrency).toBe(5);
    expect(engine.prepareText(' a ')).toBe('a');
    expect(engine.voices()[0]?.id).toBe('slt');
  });
});
