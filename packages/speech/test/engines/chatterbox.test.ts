import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OpenSpeechHttp, openSpeechHttp } from '../../src/engines/remote/speech-http.node.ts';
import {
  type ChatterboxEngineOptions,
  createChatterboxEngine,
} from '../../src/engines/chatterbox/chatterbox-engine.ts';
import type { SpeechChunk, VoiceProfile } from '../../src/engines/engine.ts';
import { describeServiceFaults, thrownBy } from './service-faults.ts';
import { type ChatterboxServer, openChatterboxServer } from './simulators/chatterbox-server.ts';
import { jsonAnswer, type Scripted } from './simulators/http-simulator.ts';
import { wavFile } from './simulators/wav-file.ts';

const SIGNAL = AbortSignal.timeout(600_000);
const UPLOAD = '/upload_reference';

describeServiceFaults('chatterbox', {
  openServer: () => openChatterboxServer({ port: 0 }),
  createEngine: createChatterboxEngine,
  speechPath: '/tts',
  probePath: '/api/model-info',
  silence: wavFile({ samples: new Int16Array(24_000), sampleRateHz: 24_000 }),
});

const profileOf = (bytes: Uint8Array<ArrayBuffer>): VoiceProfile => ({
  bytes,
  hash: createHash('sha256').update(bytes).digest('hex'),
});
const RECORDING = profileOf(
  new Uint8Array(wavFile({ samples: new Int16Array(2_000).fill(900), sampleRateHz: 16_000 })),
);

const says = (status: number, detail: unknown): Scripted => jsonAnswer(status, { detail });

describe('chatterbox', () => {
  let client: OpenSpeechHttp;
  let server: ChatterboxServer;
  beforeAll(() => {
    client = openSpeechHttp();
  });
  afterAll(() => client.close());
  beforeEach(async () => {
    server = await openChatterboxServer({ port: 0, languages: { en: 'English', de: 'German' } });
  });
  afterEach(() => server.close());

  const open = (options: Partial<ChatterboxEngineOptions> = {}) =>
    createChatterboxEngine({ baseUrl: server.baseUrl, http: client.http, ...options });
  const sent = (): unknown => JSON.parse(server.callsTo('/tts').at(-1)?.body.toString() ?? 'null');
  const CHUNK: SpeechChunk = { text: 'Hello\n there.', voiceId: 'Emily.wav' };
  const CLONED: SpeechChunk = { ...CHUNK, voiceId: 'mother', profile: RECORDING };

  test('is given voice, seed and style', async () => {
    const style = { temperature: 0.7, exaggeration: 1.2, cfgWeight: 0.4 };
    await open().synthesizeChunk({ ...CHUNK, speed: 1.5, language: 'en-GB', style });
    expect(sent()).toEqual({
      text: 'Hello there.',
      voice_mode: 'predefined',
      predefined_voice_id: 'Emily.wav',
      output_format: 'wav',
      split_text: true,
      chunk_size: 300,
      seed: 20_041,
      speed_factor: 1.5,
      language: 'en',
      temperature: 0.7,
      exaggeration: 1.2,
      cfg_weight: 0.4,
    });
  });

  test('is left its own settings where nothing was chosen', async () => {
    await open({ seed: 7 }).synthesizeChunk(CHUNK);
    expect(sent()).toMatchObject({ seed: 7, speed_factor: 1 });
    for (const name of ['temperature', 'exaggeration', 'cfg_weight', 'reference_audio_filename']) {
      expect(sent()).not.toHaveProperty(name);
    }
  });

  test.each([{ exaggeration: 2.1 }, { cfgWeight: -0.1 }, { temperature: Number.NaN }])(
    'refuses the style %j without asking',
    async (style) => {
      await expect(open().synthesizeChunk({ ...CHUNK, style })).rejects.toMatchObject({
        code: 'request_invalid',
      });
      expect(server.calls).toEqual([]);
    },
  );

  test('learns voices and languages', async () => {
    const engine = open();
    await expect(engine.synthesizeChunk({ ...CHUNK, language: 'de' })).rejects.toMatchObject({
      code: 'language_unsupported',
    });
    expect((await engine.probe(SIGNAL)).details).toBe('multilingual on cpu; 2 voices');
    expect(engine.languages).toEqual(['en', 'de']);
    expect(engine.voices()).toEqual([
      { id: 'Emily.wav', name: 'Emily', languages: ['en', 'de'] },
      { id: 'Michael.wav', name: 'Michael', languages: ['en', 'de'] },
    ]);
    await engine.synthesizeChunk({ ...CHUNK, language: 'de-AT' });
    expect(sent()).toMatchObject({ language: 'de' });
  });

  test('offers the configured voices that are there', async () => {
    const engine = open({ voices: ['Michael.wav', 'Gone.wav'] });
    await engine.probe(SIGNAL);
    expect(engine.voices().map(({ id }) => id)).toEqual(['Michael.wav']);
    await expect(open({ voices: ['Gone.wav'] }).probe(SIGNAL)).rejects.toMatchObject({
      code: 'voice_not_found',
    });
  });

  test('is not ready without its model', async () => {
    server.isLoaded = false;
    await expect(open().probe(SIGNAL)).rejects.toMatchObject({ code: 'model_unavailable' });
    await expect(open().synthesizeChunk(CHUNK)).rejects.toMatchObject({
      code: 'model_unavailable',
      retryable: true,
    });
  });

  test('speaks in the voice of a recording, which it is given once', async () => {
    const engine = open();
    const cloned = await engine.synthesizeChunk(CLONED);
    expect(await engine.synthesizeChunk(CLONED)).toEqual(cloned);
    expect(cloned.samples).not.toEqual((await engine.synthesizeChunk(CHUNK)).samples);
    expect(server.callsTo(UPLOAD)).toHaveLength(1);
    const name = `taleback-${RECORDING.hash.slice(0, 40)}.wav`;
    expect([...server.recordings]).toEqual([[name, Buffer.from(RECORDING.bytes)]]);
    expect(JSON.parse(server.callsTo('/tts')[0]?.body.toString() ?? '')).toMatchObject({
      voice_mode: 'clone',
      reference_audio_filename: name,
    });
  });

  test('is given the recording again when it has lost it, and only once more', async () => {
    const engine = open();
    await engine.synthesizeChunk(CLONED);
    server.recordings.clear();
    await engine.synthesizeChunk(CLONED);
    expect(server.callsTo(UPLOAD)).toHaveLength(2);
    const gone = jsonAnswer(404, { detail: "Reference audio file 'x' not found." });
    server.script('/tts', gone, gone);
    await expect(engine.synthesizeChunk(CLONED)).rejects.toMatchObject({ code: 'voice_profile_missing' });
    expect(server.callsTo('/tts')).toHaveLength(5);
  });

  test('takes MP3 too, and nothing that the server would not', async () => {
    const mp3 = profileOf(new Uint8Array([0xff, 0xfb, 0x90, ...new Uint8Array(200)]));
    await open().synthesizeChunk({ ...CLONED, profile: mp3 });
    expect([...server.recordings.keys()][0]).toMatch(/\.mp3$/u);
    const flac = profileOf(new Uint8Array(Buffer.from('fLaC and so on')));
    await expect(open().synthesizeChunk({ ...CLONED, profile: flac })).rejects.toMatchObject({
      code: 'voice_profile_format_invalid',
    });
    expect(server.callsTo(UPLOAD)).toHaveLength(1);
  });

  test.each<[Scripted, string, string]>([
    [
      jsonAnswer(400, {
        uploaded_files: [],
        errors: [{ filename: 'x', error: 'Duration 31.0s exceeds 30s' }],
      }),
      'voice_profile_corrupt',
      'Duration 31.0s exceeds 30s',
    ],
    [jsonAnswer(200, { uploaded_files: [], errors: [] }), 'provider_rejected', 'names no file'],
    [{ status: 413, body: '<h1>too large</h1>' }, 'voice_profile_format_invalid', '413'],
    [{ status: 500, body: 'Internal Server Error' }, 'model_failed', 'Internal Server Error'],
    ['reset', 'network_unreachable', ''],
  ])('fails when the recording is refused: %j', async (treatment, code, details) => {
    server.script(UPLOAD, treatment);
    await expect(open().synthesizeChunk(CLONED)).rejects.toMatchObject({
      code,
      details: expect.stringContaining(details) as string,
    });
    expect(server.callsTo('/tts')).toEqual([]);
    await open().synthesizeChunk(CLONED);
  });

  test.each<[Scripted, string]>([
    [says(404, "Predefined voice file 'Emily.wav' not found."), 'voice_not_found'],
    [says(404, 'Not Found'), 'provider_rejected'],
    [says(400, 'Text processing resulted in no usable chunks.'), 'text_not_speakable'],
    [says(500, '400: Text processing resulted in no usable chunks.'), 'text_not_speakable'],
    [says(400, 'Invalid reference audio: too long'), 'voice_profile_corrupt'],
    [says(500, '503: TTS engine model is not currently loaded'), 'model_unavailable'],
    [says(500, "404: Voice file 'Emily.wav' not found."), 'voice_not_found'],
    [says(500, 'TTS engine failed to synthesize audio for chunk 1.'), 'model_failed'],
    [says(500, 'Audio generation resulted in no output.'), 'audio_missing'],
    [says(500, 'Failed to encode audio to wav or generated invalid audio.'), 'audio_missing'],
    [says(500, 'Error processing audio chunk 1: CUDA out of memory.'), 'gpu_out_of_memory'],
    [{ status: 200, headers: { 'content-type': 'audio/wav' }, body: 'noise, no header' }, 'model_failed'],
  ])('fails as the server says: %j', async (treatment, code) => {
    server.script('/tts', treatment);
    await expect(open().synthesizeChunk(CHUNK)).rejects.toMatchObject({ code });
  });

  test('is asked for one thing at a time, the probe among them', async () => {
    const engine = open();
    const release = server.hold();
    const texts = ['One.', 'Two.', 'Three.'].map((text) => engine.synthesizeChunk({ ...CHUNK, text }));
    const probe = engine.probe(SIGNAL);
    await server.until(({ inFlight }) => inFlight === 1);
    release();
    await Promise.all([...texts, probe]);
    expect(server.peakInFlight).toBe(1);
    expect(server.calls.map(({ path }) => path)).toEqual([
      '/tts',
      '/tts',
      '/tts',
      '/api/model-info',
      '/get_predefined_voices',
    ]);
  });

  test('who waits for a turn and is cancelled never asks', async () => {
    const engine = open();
    const release = server.hold();
    const first = engine.synthesizeChunk(CHUNK);
    const controller = new AbortController();
    const second = engine.synthesizeChunk(CHUNK, { signal: controller.signal });
    const third = engine.synthesizeChunk(CHUNK);
    await server.until(({ inFlight }) => inFlight === 1);
    const refused = thrownBy(second);
    controller.abort();
    expect(await refused).toMatchObject({ code: 'job_cancelled' });
    release();
    await Promise.all([first, third]);
    expect(server.callsTo('/tts')).toHaveLength(2);
  });
});
