import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OpenSpeechHttp, openSpeechHttp } from '../../src/engines/remote/speech-http.node.ts';
import type { SpeechChunk } from '../../src/engines/engine.ts';
import { createKokoroEngine, type KokoroEngineOptions } from '../../src/engines/kokoro/kokoro-engine.ts';
import { describeServiceFaults } from './service-faults.ts';
import { type HttpSimulator, jsonAnswer, type Scripted } from './simulators/http-simulator.ts';
import { openKokoroServer } from './simulators/kokoro-server.ts';
import { wavFile } from './simulators/wav-file.ts';

const SPEECH = '/v1/audio/speech';
const SIGNAL = AbortSignal.timeout(600_000);

describeServiceFaults('kokoro', {
  openServer: () => openKokoroServer({ port: 0 }),
  createEngine: createKokoroEngine,
  speechPath: SPEECH,
  probePath: '/v1/models',
  silence: new Uint8Array(48_000),
});

const words = (status: number, error: string, message: string): Scripted =>
  jsonAnswer(status, { detail: { error, message, type: 'some_error' } });

describe('kokoro', () => {
  let client: OpenSpeechHttp;
  let server: HttpSimulator;
  beforeAll(() => {
    client = openSpeechHttp();
  });
  afterAll(() => client.close());
  beforeEach(async () => {
    server = await openKokoroServer({ port: 0 });
  });
  afterEach(() => server.close());

  const open = (options: Partial<KokoroEngineOptions> = {}) =>
    createKokoroEngine({ baseUrl: server.baseUrl, http: client.http, ...options });
  const sent = (): unknown => JSON.parse(server.callsTo(SPEECH).at(-1)?.body.toString() ?? 'null');
  const CHUNK: SpeechChunk = { text: 'Hello\n there. ', voiceId: 'af_heart', speed: 1.25 };

  test('is asked for raw samples in one answer', async () => {
    const { sampleRateHz } = await open().synthesizeChunk(CHUNK);
    expect(sampleRateHz).toBe(24_000);
    expect(server.calls).toHaveLength(1);
    expect(server.calls[0]).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    expect(server.calls[0]?.headers).not.toHaveProperty('authorization');
    expect(sent()).toEqual({
      model: 'kokoro',
      input: 'Hello there.',
      voice: 'af_heart',
      response_format: 'pcm',
      speed: 1.25,
      stream: false,
    });
  });

  test.each([
    ['af_heart', 'en', undefined],
    ['af_heart', 'en-US', undefined],
    ['af_heart', 'en-AU', undefined],
    ['af_heart', 'en-GB', 'b'],
    ['bf_emma', 'en-US', 'a'],
    ['ef_dora', 'es-MX', undefined],
  ])('says which language %s speaks for %s', async (voiceId, language, code) => {
    await open().synthesizeChunk({ ...CHUNK, voiceId, language });
    expect((sent() as { lang_code?: string }).lang_code).toBe(code);
  });

  test('refuses a language that the voice does not speak, without asking', async () => {
    const spoken = open().synthesizeChunk({ ...CHUNK, language: 'de' });
    await expect(spoken).rejects.toMatchObject({ code: 'voice_language_mismatch' });
    expect(server.calls).toEqual([]);
  });

  test.each([false, true])('learns its voices, also from old releases: %s', async (isLegacy) => {
    await server.close();
    server = await openKokoroServer({ port: 0, isLegacy, voices: ['bm_george', 'zf_xiaobei'] });
    const engine = open();
    expect(engine.voices()[0]?.id).toBe('af_heart');
    const { details, latencyMs } = await engine.probe(SIGNAL);
    expect(engine.voices()).toEqual([
      { id: 'bm_george', name: 'George', languages: ['en-GB'], gender: 'male', accent: 'British' },
      { id: 'zf_xiaobei', name: 'Xiaobei', languages: ['zh'], gender: 'female' },
    ]);
    expect(details).toContain('2 voices');
    expect(latencyMs).toBeGreaterThanOrEqual(0);
  });

  test('offers the voices that were configured and are there, mixtures too', async () => {
    const engine = open({ voices: ['bf_emma', 'am_gone', 'af_bella(2)+af_heart'] });
    await engine.probe(SIGNAL);
    expect(engine.voices().map(({ id }) => id)).toEqual(['bf_emma', 'af_bella(2)+af_heart']);
    await engine.synthesizeChunk({ ...CHUNK, voiceId: 'af_bella(2)+af_heart' });
    await expect(open({ voices: ['am_gone'] }).probe(SIGNAL)).rejects.toMatchObject({
      code: 'voice_not_found',
      details: expect.stringContaining('af_bella') as string,
    });
  });

  test('is not ready without models, whatever its health says', async () => {
    server.script('/v1/models', jsonAnswer(200, { object: 'list', data: [] }));
    await expect(open().probe(SIGNAL)).rejects.toMatchObject({ code: 'model_unavailable' });
  });

  test('names the voices that are there when one is gone', async () => {
    await expect(open().synthesizeChunk({ ...CHUNK, voiceId: 'am_puck' })).rejects.toMatchObject({
      code: 'voice_not_found',
      details: expect.stringContaining('af_bella, af_heart') as string,
    });
  });

  test.each<[Scripted, string]>([
    [words(400, 'validation_error', 'Text is odd'), 'provider_rejected'],
    [words(400, 'invalid_model', 'Unsupported model: kokoro'), 'model_unavailable'],
    [words(403, 'permission_denied', 'tags are off'), 'permission_denied'],
    [words(500, 'processing_error', 'the model broke'), 'model_failed'],
    [
      words(500, 'processing_error', 'DefaultCPUAllocator: not enough memory: out of memory'),
      'memory_exhausted',
    ],
    [jsonAnswer(404, { detail: 'Not Found' }), 'provider_rejected'],
    [{ status: 200, headers: { 'content-type': 'audio/pcm' }, body: 'odd' }, 'audio_missing'],
  ])('fails as the server says: %j', async (treatment, code) => {
    server.script(SPEECH, treatment);
    await expect(open().synthesizeChunk(CHUNK)).rejects.toMatchObject({ code });
  });

  test('understands a server that answers with a WAV file anyhow, of any size and shape', async () => {
    const samples = new Int16Array(4_800).fill(5_000);
    for (const claimedBytes of [undefined, 0, 0xffff_ffff]) {
      const body = wavFile({ samples, sampleRateHz: 48_000, channels: 2, format: 'float', claimedBytes });
      server.script(SPEECH, { status: 200, headers: { 'content-type': 'audio/wav' }, body });
      expect(await open().synthesizeChunk(CHUNK)).toEqual({ sampleRateHz: 48_000, samples });
    }
  });

  test('works on as many texts as come', async () => {
    const engine = open();
    const release = server.hold();
    const spoken = Array.from({ length: engine.concurrency }, () => engine.synthesizeChunk(CHUNK));
    await server.until(({ inFlight }) => inFlight === 3);
    release();
    expect(await Promise.all(spoken)).toHaveLength(3);
  });
});
