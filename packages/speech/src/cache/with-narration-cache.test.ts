import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TalebackError } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import type { Narration } from '../chain/narrate.ts';
import type { NarrationOptions } from '../chain/plan-narration.ts';
import type { NarrationRequest } from '../chain/plan-narration.ts';
import { openCache } from '../../test/cache/cache-fixture.ts';
import { withNarrationCache } from './with-cache.ts';

const REQUEST: NarrationRequest = { text: 'Once upon a time.', language: 'en' };
const IDENTITY = { engines: 'staged 1', encoder: 'mp3 48' };

const narration = (): Narration => ({
  bytes: Uint8Array.of(1, 2, 3),
  durationMs: 5,
  sampleRateHz: 16_000,
  chunkCount: 1,
  voiceId: 'slt',
  engine: 'staged',
});

interface Call {
  readonly request: NarrationRequest;
  readonly options: NarrationOptions;
  readonly finish: (narration: Narration) => void;
  readonly fail: (error: Error) => void;
}

const setUp = async (answer?: Narration) => {
  const fixture = await openCache();
  const calls: Call[] = [];
  const inner = (request: NarrationRequest, options: NarrationOptions = {}): Promise<Narration> =>
    new Promise((finish, fail) => {
      calls.push({ request, options, finish, fail });
      if (answer !== undefined) finish(answer);
    });
  return { ...fixture, calls, inner, narrate: withNarrationCache(inner, fixture.cache, IDENTITY) };
};

const listen = () => {
  const heard: unknown[] = [];
  const options: NarrationOptions = {
    onFirstAudio: () => heard.push('audio'),
    onProgress: (fraction) => heard.push(fraction),
    onEncoded: (bytes, offset) => heard.push([[...bytes], offset]),
  };
  return { heard, options };
};

describe('narration with a cache', () => {
  it('notes each story that a file was for, also of requests at the same time', async () => {
    const { narrate, calls, cache } = await setUp();
    const both = ['s1', 's2'].map((owner) => narrate(REQUEST, { owner }));
    await expect.poll(() => calls.length).toBe(1);
    expect(calls[0]?.options.owner).toBe('s1');
    calls[0]?.finish(narration());
    await Promise.all(both);
    await cache.removeOf('s2');
    expect(cache.status().entries).toBe(1);
    await cache.removeOf('s1');
    expect(cache.status().entries).toBe(0);
  });

  it('narrates once, and then gives the same file and facts, with one report that it is done', async () => {
    const { narrate, calls, cache } = await setUp(narration());
    const first = await narrate(REQUEST, { priority: 'high', tenant: 't' });
    const { heard, options } = listen();
    const second = await narrate({ ...REQUEST, speed: 1, pauseScale: 1, allowsOtherVoice: false }, options);
    expect([first, second]).toEqual([narration(), narration()]);
    expect(calls.length).toBe(1);
    expect(calls[0]).toMatchObject({ request: REQUEST, options: { priority: 'high', tenant: 't' } });
    expect(heard).toEqual(['audio', [[1, 2, 3], 0], 1]);
    expect(cache.status()).toMatchObject({ hits: { narration: 1 }, misses: { narration: 1 } });
  });

  it('narrates again what differs in anything', async () => {
    const { narrate, inner, cache, calls } = await setUp(narration());
    const bytes = Uint8Array.of(1);
    const others: NarrationRequest[] = [
      { ...REQUEST, text: 'Once upon a time!' },
      { ...REQUEST, voiceId: 'slt' },
      { ...REQUEST, language: 'en-GB' },
      { ...REQUEST, speed: 1.1 },
      { ...REQUEST, pauseScale: 2 },
      { ...REQUEST, profile: { bytes, hash: 'a' } },
      { ...REQUEST, allowsOtherVoice: true },
      { ...REQUEST, style: { cfgWeight: 1 } },
    ];
    for (const request of [REQUEST, ...others, ...others]) await narrate(request);
    expect(calls.length).toBe(1 + others.length);
    await withNarrationCache(inner, cache, { ...IDENTITY, encoder: 'mp3 64' })(REQUEST);
    await withNarrationCache(inner, cache, { ...IDENTITY, engines: 'staged 2' })(REQUEST);
    expect(calls.length).toBe(3 + others.length);
  });

  it('narrates equal requests at the same time once; each hears all of it and gets their own file', async () => {
    const { narrate, calls, clock } = await setUp();
    const [early, late] = [listen(), listen()];
    const all = [narrate(REQUEST, early.options)];
    await clock.settle();
    const { options, finish } = calls[0]!;
    options.onFirstAudio?.();
    options.onEncoded?.(Uint8Array.of(1), 0);
    options.onProgress?.(0.5);
    all.push(narrate(REQUEST, late.options));
    options.onEncoded?.(Uint8Array.of(2, 3), 1);
    options.onProgress?.(1);
    finish(narration());
    const files = await Promise.all(all);
    expect(calls.length).toBe(1);
    expect(files).toEqual([narration(), narration()]);
    expect(files[0]?.bytes.buffer).not.toBe(files[1]?.bytes.buffer);
    const everything = ['audio', [[1], 0], 0.5, [[2, 3], 1], 1];
    expect([early.heard, late.heard]).toEqual([everything, everything]);
  });

  it('aborts the narration with the last who waits', async () => {
    const { narrate, calls, clock } = await setUp();
    const controllers = [new AbortController(), new AbortController()];
    const all = controllers.map(({ signal }) => narrate(REQUEST, { signal }));
    await clock.settle();
    controllers[0]?.abort();
    await expect(all[0]).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(calls[0]?.options.signal?.aborted).toBe(false);
    controllers[1]?.abort();
    await expect(all[1]).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(calls[0]?.options.signal?.aborted).toBe(true);
  });

  it('reports a failure to all callers, and keeps nothing of it', async () => {
    const { narrate, calls, clock, files } = await setUp();
    const all = [narrate(REQUEST), narrate(REQUEST)];
    await clock.settle();
    calls[0]?.fail(new TalebackError('model_failed', 'No.'));
    for (const one of all) await expect(one).rejects.toMatchObject({ code: 'model_failed' });
    expect(files().length).toBe(0);
  });

  it('keeps no narration with a fallback', async () => {
    const error = new TalebackError('voice_not_found', 'No.');
    const failedBefore = [{ engine: 'staged', voiceId: 'rms', error }];
    const { narrate, calls, files } = await setUp({ ...narration(), failedBefore });
    expect(await narrate(REQUEST)).toMatchObject({ failedBefore });
    await narrate(REQUEST);
    expect(calls.length).toBe(2);
    expect(files().length).toBe(0);
  });

  it('keeps one without one', async () => {
    const { narrate, files } = await setUp({ ...narration(), failedBefore: [] });
    await narrate(REQUEST);
    expect(files().length).toBe(1);
  });

  it('writes none of the words to the disk', async () => {
    const { narrate, folder } = await setUp(narration());
    const text = 'Rumpelstiltskin is my name';
    await narrate({ ...REQUEST, text });
    const everything = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => name + readFileSync(join(parentPath, name), 'latin1'));
    expect(everything.length).toBeGreaterThan(1);
    expect(everything.join('')).not.toMatch(/Rumpel|my name/i);
  });
});
