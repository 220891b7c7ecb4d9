import { getEventListeners } from 'node:events';
import { inspect } from 'node:util';
import { isTalebackError } from '@taleback/core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type OpenSpeechHttp, openSpeechHttp } from '../../src/engines/remote/speech-http.node.ts';
import { durationMsOf, verifySound } from '../../src/audio/pcm.ts';
import {
  createElevenlabsEngine,
  type ElevenlabsEngineOptions,
} from '../../src/engines/elevenlabs/elevenlabs-engine.ts';
import { describeSpeechEngine } from './engine-conformance.ts';
import {
  type ElevenlabsMode,
  type ElevenlabsServer,
  type ElevenlabsServerOptions,
  openElevenlabsServer,
} from './simulators/elevenlabs-server.ts';

const MODEL = 'eleven_multilingual_v2';

describeSpeechEngine('elevenlabs', async () => {
  const { http, close } = openSpeechHttp();
  const server = await openElevenlabsServer({ port: 0 });
  const { baseUrl, apiKey } = server;
  const engine = createElevenlabsEngine({ baseUrl, apiKey, http, modelId: MODEL });
  await engine.probe(AbortSignal.timeout(30_000));
  return {
    engine,
    close: async () => {
      await close();
      await server.close();
    },
  };
});

const TEXT = 'The tide came in at last, and nobody saw it.';
const CHUNK = { text: TEXT, voiceId: '21m00Tcm4TlvDq8ikWAM' };

let client: OpenSpeechHttp;
beforeAll(() => {
  client = openSpeechHttp();
});
afterAll(() => client.close());
let server: ElevenlabsServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const open = async (
  ofServer: Partial<ElevenlabsServerOptions> = {},
  options: Partial<ElevenlabsEngineOptions> = {},
) => {
  server = await openElevenlabsServer({ port: 0, ...ofServer });
  const { baseUrl, apiKey } = server;
  const engine = createElevenlabsEngine({ baseUrl, apiKey, http: client.http, modelId: MODEL, ...options });
  return { server, engine };
};

const detail = (status: number, word: string, headers = {}): ElevenlabsMode => ({
  status,
  headers,
  json: { detail: { status: word, message: `Words about ${word}` } },
});
const page = (status: number): ElevenlabsMode => ({
  status,
  text: '<html><title>Bad Gateway</title></html>',
});

const failingHttp = (): Promise<never> =>
  Promise.reject(Object.assign(new Error('bad header sk_in_error'), { request: { key: 'sk_in_error' } }));

describe('elevenlabs', () => {
  test('asks for raw samples with a fixed seed and nothing that it need not say', async () => {
    const { server, engine } = await open();
    const pcm = await engine.synthesizeChunk({ ...CHUNK, language: 'en-GB' });
    expect(pcm.sampleRateHz).toBe(24_000);
    verifySound(pcm, { text: TEXT, speed: 1 });
    expect(server.calls).toEqual([
      {
        method: 'POST',
        path: `/v1/text-to-speech/${CHUNK.voiceId}?output_format=pcm_24000`,
        apiKey: server.apiKey,
        json: { text: TEXT, model_id: MODEL, seed: 20_041 },
        status: 200,
      },
    ]);
  });

  test('sends the language to the models that take one', async () => {
    const { server, engine } = await open({}, { modelId: 'eleven_flash_v2_5' });
    await engine.synthesizeChunk({ ...CHUNK, language: 'pt-BR' });
    expect(server.calls[0]?.json).toMatchObject({ language_code: 'pt' });
  });

  test('sends the style in the words of the service', async () => {
    const { server, engine } = await open();
    await engine.synthesizeChunk({
      ...CHUNK,
      style: { exaggeration: 1.1, temperature: 0.4, cfgWeight: 0.5 },
    });
    expect(server.calls[0]?.json).toMatchObject({ voice_settings: { style: 0.4, stability: 0.75 } });
  });

  test.each([
    [0.5, 0.7],
    [0.7, 0.7],
    [0.9, 0.9],
    [1.2, 1.2],
    [2, 1.2],
  ])('asks for speed %d as %d and does the rest itself', async (speed, asked) => {
    const { server, engine } = await open();
    const { samples } = await engine.synthesizeChunk({ ...CHUNK, speed });
    expect(server.calls[0]?.json).toMatchObject({ voice_settings: { speed: asked } });
    const naturalMs = TEXT.length * 60;
    expect((durationMsOf(samples.length, 24_000) * speed) / naturalMs).toBeCloseTo(1, 1);
  });

  test.each<[string, ElevenlabsMode, string, boolean, RegExp]>([
    ['400 limit', detail(400, 'max_character_limit_exceeded'), 'text_too_long', false, /max_character/],
    ['401 limit', detail(401, 'max_character_limit_exceeded'), 'text_too_long', false, /max_character/],
    ['401 key', detail(401, 'invalid_api_key'), 'credentials_invalid', false, /invalid_api_key/],
    ['400 key', detail(400, 'invalid_api_key'), 'credentials_invalid', false, /invalid_api_key/],
    ['401 quota', detail(401, 'quota_exceeded'), 'provider_quota_exceeded', false, /quota_exceeded/],
    ['400 quota', detail(400, 'quota_exceeded'), 'provider_quota_exceeded', false, /quota_exceeded/],
    ['400 voice', detail(400, 'voice_not_found'), 'voice_not_found', false, /voice_not_found/],
    ['404 voice', detail(404, 'voice_not_found'), 'voice_not_found', false, /voice_not_found/],
    ['401 rights', detail(401, 'missing_permissions'), 'permission_denied', false, /missing_permissions/],
    ['401 bare', { status: 401 }, 'credentials_invalid', false, /401/],
    ['402 bare', { status: 402 }, 'provider_quota_exceeded', false, /402/],
    ['403 plan', detail(403, 'only_for_creator+'), 'permission_denied', false, /only_for_creator/],
    ['404 text', { status: 404, json: { detail: 'Not Found' } }, 'provider_rejected', false, /Not Found/],
    ['400 else', detail(400, 'something_new'), 'provider_rejected', false, /something_new/],
    ['302', { status: 302, headers: { location: 'http://x.invalid/' } }, 'provider_rejected', false, /302/],
    ['429 busy', detail(429, 'system_busy'), 'provider_rate_limited', true, /system_busy/],
    ['429 bare', { status: 429 }, 'provider_rate_limited', true, /429/],
    ['500', detail(500, 'internal_error'), 'provider_unavailable', true, /500/],
    ['501', { status: 501 }, 'provider_rejected', false, /501/],
    ['502 page', page(502), 'provider_unavailable', true, /Bad Gateway/],
    ['503', { status: 503 }, 'provider_unavailable', true, /503/],
    ['200 page', page(200), 'provider_unavailable', true, /text\/html/],
    ['200 JSON', { status: 200, json: { audio: 'x' } }, 'provider_unavailable', true, /json/],
    ['silence', 'silent', 'audio_silent', true, /^$/],
    ['no byte', 'empty', 'audio_missing', true, /^$/],
    ['half a sample', 'odd', 'audio_missing', true, /half a sample/],
    ['cut', 'cut', 'audio_missing', true, /after \d+ bytes/],
    ['reset', 'reset', 'network_unreachable', true, /./],
  ])('reports %s as one of our errors', async (_name, mode, code, retryable, details) => {
    const { server, engine } = await open();
    server.script(mode);
    const error: unknown = await engine.synthesizeChunk(CHUNK).catch((thrown: unknown) => thrown);
    if (!isTalebackError(error)) throw error;
    expect(error).toMatchObject({ code, retryable });
    expect(error.details ?? '').toMatch(details);
    verifySound(await engine.synthesizeChunk(CHUNK), { text: TEXT, speed: 1 });
  });

  test('lists the fields of a 422', async () => {
    const { server, engine } = await open();
    const faults = [
      { loc: ['body', 'text'], msg: 'field required', type: 'value_error.missing' },
      { loc: ['body', 'voice_settings', 'speed'], msg: 'too fast', type: 'value_error' },
    ];
    server.script({ status: 422, json: { detail: faults } });
    await expect(engine.synthesizeChunk(CHUNK)).rejects.toMatchObject({
      code: 'provider_rejected',
      details: expect.stringContaining(
        'body.text: field required; body.voice_settings.speed: too fast',
      ) as string,
    });
  });

  test('tells the two kinds of 429 apart: a short wait, or the one that the service names, or none', async () => {
    const { server, engine } = await open();
    const waits: unknown[] = [];
    server.script(
      detail(429, 'too_many_concurrent_requests'),
      detail(429, 'too_many_concurrent_requests', { 'retry-after': '3' }),
      detail(429, 'system_busy'),
      detail(429, 'system_busy', { 'retry-after': '20' }),
    );
    for (let count = 0; count < 4; count += 1) {
      await engine
        .synthesizeChunk(CHUNK)
        .catch((error: Error & { retryAfterMs?: number }) => waits.push(error.retryAfterMs));
    }
    expect(waits).toEqual([250, 3_000, undefined, 20_000]);
  });

  test('a used-up allowance of the service itself is never tried again', async () => {
    const { engine } = await open({ characters: TEXT.length });
    await engine.synthesizeChunk(CHUNK);
    await expect(engine.synthesizeChunk(CHUNK)).rejects.toMatchObject({
      code: 'provider_quota_exceeded',
      retryable: false,
    });
  });

  test('a text beyond the limit of the model is reported', async () => {
    const { engine } = await open();
    const text = 'word '.repeat(2_001);
    await expect(engine.synthesizeChunk({ ...CHUNK, text })).rejects.toMatchObject({ code: 'text_too_long' });
  });

  test('learns the voices with their labels when it is probed', async () => {
    const { server, engine } = await open();
    expect(engine.voices().map(({ name }) => name)).toEqual(['Rachel', 'Adam']);
    await expect(engine.probe(AbortSignal.timeout(30_000))).resolves.toMatchObject({
      details: `${MODEL}, 3 voices`,
      latencyMs: expect.any(Number) as number,
    });
    expect(engine.voices()[1]).toMatchObject({
      id: 'zxK0nGd8Fs1kQpVh2mWe',
      name: 'Lukas',
      gender: 'male',
      accent: 'standard',
      remark: 'warm',
    });
    expect(engine.voices()[1]?.languages.slice(0, 2)).toEqual(['de', 'en']);
    expect(engine.voices()[2]).toEqual({
      id: 'ofNobody0000000000XX',
      name: 'Plain',
      languages: engine.languages,
      isCloned: true,
    });
    expect(engine.voices().map(({ isCloned }) => isCloned)).toEqual([undefined, undefined, true]);
    server.script({ status: 200, json: { voices: [] } }, page(200), detail(401, 'missing_permissions'));
    for (const code of ['provider_unavailable', 'provider_unavailable', 'permission_denied']) {
      await expect(engine.probe(AbortSignal.timeout(30_000))).rejects.toMatchObject({ code });
    }
    expect(engine.voices()).toHaveLength(3);
  });

  test('shows the key to no one, also when the service repeats it', async () => {
    const { server, engine } = await open({}, { apiKey: 'sk_wrong_and_secret' });
    const error: unknown = await engine.synthesizeChunk(CHUNK).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'credentials_invalid',
      details: expect.stringContaining('Invalid API key [redacted]') as string,
    });
    expect(server.calls[0]?.apiKey).toBe('sk_wrong_and_secret');
    for (const shown of [
      inspect(error, { depth: 9, showHidden: true }),
      JSON.stringify(error),
      inspect(engine, { depth: 9 }),
    ]) {
      expect(shown).not.toContain('sk_wrong');
    }
  });

  test('cleans an error of the way there that holds the request', async () => {
    const engine = createElevenlabsEngine({ apiKey: 'sk_in_error', http: failingHttp, modelId: MODEL });
    const error: unknown = await engine.synthesizeChunk(CHUNK).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ brand: 'taleback.error', message: 'bad header [redacted]' });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('sk_in_error');
  });

  test.each(['', 'a b', 'k\r\nX-Evil: 1', 'schl\u00fcssel'])(
    'refuses %j as a key and does not repeat it',
    (apiKey) => {
      expect(() => createElevenlabsEngine({ apiKey, http: client.http, modelId: MODEL })).toThrow(
        expect.objectContaining({
          code: 'credentials_invalid',
          message: expect.not.stringContaining(apiKey || '\u0000') as string,
        }) as Error,
      );
    },
  );

  test('lets out as many requests as the service says it takes', async () => {
    const { server, engine } = await open({ maximumConcurrent: 2 });
    expect(engine.concurrency).toBe(3);
    await engine.synthesizeChunk(CHUNK);
    expect(engine.concurrency).toBe(2);
    const release = server.hold();
    const texts = Array.from({ length: 6 }, (_, index) => `Wave ${index}.`);
    const waves = Promise.all(texts.map((text) => engine.synthesizeChunk({ ...CHUNK, text })));
    await server.whenInFlight(2);
    release();
    await waves;
    expect(server.peakConcurrency).toBe(2);
    expect(server.calls.every(({ status }) => status === 200)).toBe(true);
    server.maximumConcurrent = 6;
    await engine.synthesizeChunk(CHUNK);
    expect(engine.concurrency).toBe(6);
  });

  test('leaves room for others who use the same account, and takes it back', async () => {
    const { server, engine } = await open({ maximumConcurrent: 5 });
    server.foreign = 3;
    await engine.synthesizeChunk(CHUNK);
    expect(engine.concurrency).toBe(2);
    server.foreign = 0;
    await engine.synthesizeChunk(CHUNK);
    expect(engine.concurrency).toBe(5);
  });

  test('finds a limit that is not announced, by being refused', async () => {
    const { server, engine } = await open({ maximumConcurrent: 1, tellsConcurrency: false });
    const release = server.hold();
    const together = Promise.allSettled(
      [1, 2, 3].map((count) => engine.synthesizeChunk({ ...CHUNK, text: `Wave ${count}.` })),
    );
    while (server.calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
    release();
    const ends = await together;
    expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(2);
    expect(engine.concurrency).toBe(1);
    await Promise.all([4, 5, 6].map((count) => engine.synthesizeChunk({ ...CHUNK, text: `Wave ${count}.` })));
  });

  test('an aborted request ends its connection, and one that waits leaves the queue', async () => {
    const { server, engine } = await open({ maximumConcurrent: 1 });
    await engine.synthesizeChunk(CHUNK);
    server.script('hang');
    const stop = new AbortController();
    const hanging = engine.synthesizeChunk(CHUNK, { signal: stop.signal });
    hanging.catch(() => {});
    await server.whenInFlight(1);
    const leave = new AbortController();
    const waiting = engine.synthesizeChunk(CHUNK, { signal: leave.signal });
    waiting.catch(() => {});
    leave.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'job_cancelled' });
    const next = engine.synthesizeChunk(CHUNK);
    expect(server.calls).toHaveLength(2);
    // It may see the next request before it sees that this one has gone.
    server.maximumConcurrent = 2;
    stop.abort(new DOMException('too long', 'TimeoutError'));
    await expect(hanging).rejects.toMatchObject({ code: 'timed_out' });
    await next;
    await server.whenInFlight(0);
    for (const { signal } of [stop, leave]) expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('reports an address where no one is', async () => {
    const { server, engine } = await open();
    await server.close();
    await expect(engine.synthesizeChunk(CHUNK)).rejects.toMatchObject({ code: 'network_unreachable' });
  });
});
