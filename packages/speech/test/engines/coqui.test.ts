import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { openSpeechHttp } from '../../src/engines/remote/speech-http.node.ts';
import { durationMsOf } from '../../src/audio/pcm.ts';
import { type CoquiEngineOptions, createCoquiEngine } from '../../src/engines/coqui/coqui-engine.ts';
import { describeServiceFaults } from './service-faults.ts';
import { type CoquiServerOptions, openCoquiServer } from './simulators/coqui-server.ts';
import { type HttpSimulator, jsonAnswer, type Scripted } from './simulators/http-simulator.ts';
import { wavFile } from './simulators/wav-file.ts';

const SIGNAL = AbortSignal.timeout(600_000);
const SPEECH = '/api/tts';

describeServiceFaults('coqui', {
  openServer: () => openCoquiServer({ port: 0, speakers: ['p225'] }),
  createEngine: createCoquiEngine,
  speechPath: SPEECH,
  probePath: '/',
  silence: wavFile({ samples: new Int16Array(24_000), sampleRateHz: 22_050 }),
});

const queryOf = (server: HttpSimulator) => Object.fromEntries(server.callsTo(SPEECH).at(-1)?.query ?? []);

describe('coqui', () => {
  const client = openSpeechHttp();
  const servers: HttpSimulator[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });
  afterAll(() => client.close());

  const open = async (
    server: Omit<CoquiServerOptions, 'port'>,
    options: Partial<CoquiEngineOptions> = {},
  ) => {
    const opened = await openCoquiServer({ port: 0, ...server });
    servers.push(opened);
    const engine = createCoquiEngine({ baseUrl: opened.baseUrl, http: client.http, ...options });
    return { server: opened, engine };
  };

  test.each(['original', 'fork'] as const)(
    'a model of one voice is given the text alone: %s',
    async (kind) => {
      const { server, engine } = await open({ kind });
      await engine.probe(SIGNAL);
      expect(engine.voices()).toEqual([{ id: 'default', name: 'default', languages: ['en'] }]);
      await engine.synthesizeChunk({ text: 'Fish & chips?\n', voiceId: 'default', language: 'en-GB' });
      expect(server.callsTo(SPEECH)[0]?.method).toBe('GET');
      expect(queryOf(server)).toEqual({ text: 'Fish & chips?' });
    },
  );

  test.each(['original', 'fork'] as const)(
    'learns the speakers, however they are spelled: %s',
    async (kind) => {
      const { server, engine } = await open({ kind, speakers: ['ED\n', 'p225', `"O'Neill" <x>`] });
      const { details } = await engine.probe(SIGNAL);
      expect(details).toBe('3 voices; en');
      expect(engine.voices().map(({ id }) => id)).toEqual(['ED', 'p225', `"O'Neill" <x>`]);
      for (const voiceId of ['ED', `"O'Neill" <x>`]) await engine.synthesizeChunk({ text: 'Hi.', voiceId });
      expect(server.callsTo(SPEECH).map(({ query }) => query.get('speaker_id'))).toEqual([
        'ED\n',
        `"O'Neill" <x>`,
      ]);
    },
  );

  test('tells a model of many languages which one', async () => {
    const { server, engine } = await open({ speakers: ['Ana'], languages: ['es', 'en', 'zh-cn'] });
    await engine.probe(SIGNAL);
    expect(engine.languages).toEqual(['es', 'en', 'zh-cn']);
    const asked = async (language?: string) => {
      await engine.synthesizeChunk({ text: 'Hola.', voiceId: 'Ana', language });
      return queryOf(server)['language_id'];
    };
    expect(await asked('en-US')).toBe('en');
    expect(await asked('zh')).toBe('zh-cn');
    expect(await asked('zh-CN')).toBe('zh-cn');
    expect(await asked()).toBe('es');
    await expect(asked('fi')).rejects.toMatchObject({ code: 'language_unsupported' });
  });

  test('speaks what was configured before it has asked', async () => {
    const options = { speakers: ['p226', 'p300'], languages: ['de'], styleWav: '{"0": 0.1}' };
    const { server, engine } = await open({ speakers: ['p225', 'p226'] }, options);
    expect(engine.voices().map(({ id }) => id)).toEqual(['p226', 'p300']);
    expect(engine.languages).toEqual(['de']);
    await engine.synthesizeChunk({ text: 'Hi.', voiceId: 'p226', language: 'de' });
    expect(queryOf(server)).toEqual({ text: 'Hi.', speaker_id: 'p226', style_wav: '{"0": 0.1}' });
    await engine.probe(SIGNAL);
    expect(engine.voices().map(({ id }) => id)).toEqual(['p226']);
  });

  test('has none of the configured speakers', async () => {
    const { engine } = await open({ speakers: ['p225'] }, { speakers: ['p300'] });
    await expect(engine.probe(SIGNAL)).rejects.toMatchObject({
      code: 'voice_not_found',
      details: 'coqui has p225',
    });
  });

  test('sends by form what is too long for an address', async () => {
    const { server, engine } = await open({});
    const text = `${'\u4f60\u597d'.repeat(300)}.`;
    await engine.synthesizeChunk({ text, voiceId: 'default' });
    const call = server.callsTo(SPEECH)[0];
    expect([call?.method, call?.query.size]).toEqual(['POST', 0]);
    expect(new URLSearchParams(call?.body.toString()).get('text')).toBe(text);
  });

  test('stretches the sound, as the server has one speed', async () => {
    const { engine } = await open({});
    const lengthAt = async (speed: number) => {
      const chunk = { text: 'A tale of two cities.', voiceId: 'default', speed };
      const { samples, sampleRateHz } = await engine.synthesizeChunk(chunk);
      return durationMsOf(samples.length, sampleRateHz);
    };
    const natural = await lengthAt(1);
    expect(await lengthAt(1.25)).toBeCloseTo(natural / 1.25, -1);
    expect(await lengthAt(0.8)).toBeCloseTo(natural / 0.8, -1);
  });

  test.each<[Scripted, string]>([
    [jsonAnswer(400, { error: 'Text parameter is required' }), 'text_empty'],
    [jsonAnswer(500, { error: 'TTS synthesis failed: Speaker p9 not found.' }), 'voice_not_found'],
    [
      jsonAnswer(500, { error: 'TTS synthesis failed: Language fi is not supported.' }),
      'language_unsupported',
    ],
    [jsonAnswer(500, { error: 'TTS synthesis failed: CUDA out of memory' }), 'gpu_out_of_memory'],
    [jsonAnswer(500, { error: 'TTS synthesis failed: Kernel size can not be greater' }), 'model_failed'],
    [{ status: 200, headers: { 'content-type': 'audio/wav' }, body: 'no header at all' }, 'model_failed'],
  ])('fails as the fork says: %j', async (treatment, code) => {
    const { server, engine } = await open({});
    server.script(SPEECH, treatment);
    await expect(engine.synthesizeChunk({ text: 'Hi.', voiceId: 'default' })).rejects.toMatchObject({ code });
  });

  test('knows no more than a failure from the page of the original', async () => {
    const { engine } = await open({ kind: 'original', speakers: ['p225'] });
    // Nothing is known of its speakers yet, and without one this model fails.
    await expect(engine.synthesizeChunk({ text: 'Hi.', voiceId: 'default' })).rejects.toMatchObject({
      code: 'model_failed',
      details: 'coqui answered 500 (500 Internal Server Error)',
    });
  });

  test('is asked for one text at a time', async () => {
    const { server, engine } = await open({});
    const release = server.hold();
    const texts = ['One.', 'Two.', 'Three.'].map((text) =>
      engine.synthesizeChunk({ text, voiceId: 'default' }),
    );
    await server.until(({ inFlight }) => inFlight === 1);
    release();
    await Promise.all(texts);
    expect([server.peakInFlight, server.callsTo(SPEECH).length]).toEqual([1, 3]);
  });
});
