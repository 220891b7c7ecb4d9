import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  ENGINE_NAMES,
  type EnginesConfig,
  enginesEnvironment,
  toEnginesConfig,
  withoutUnusedEngines,
} from './engine-settings.ts';

const parse = (environment: Readonly<Record<string, string>>): EnginesConfig =>
  toEnginesConfig(z.object(enginesEnvironment).parse(environment));

describe('toEnginesConfig', () => {
  it('takes the engines in the order of preference', () => {
    const all = { ENGINES: ENGINE_NAMES.join(' , '), ELEVENLABS_API_KEY: 'sk_1' };
    expect(parse(all).names).toEqual(ENGINE_NAMES);
  });

  it.each(['', ' , ', 'flite,flite', 'flite,siri', 'FLITE'])('refuses the engines %j', (ENGINES) => {
    expect(() => parse({ ENGINES })).toThrow(/must be some of flite, /);
  });

  it('reads what each engine needs', () => {
    expect(
      parse({
        KOKORO_URL: 'https://kokoro.example/',
        CHATTERBOX_URL: 'http://10.0.0.1:8004',
        CHATTERBOX_VARIANT: 'multilingual',
        CHATTERBOX_VOICES: '/srv/voices',
        COQUI_URL: 'http://10.0.0.2:5002',
        COQUI_LANGUAGES: 'en, de',
        COQUI_SPEAKERS: 'p225,p226',
        COQUI_MODEL: 'tts_models/multilingual/multi-dataset/xtts_v2',
        ELEVENLABS_URL: 'http://127.0.0.1:1',
        ELEVENLABS_MODEL: 'eleven_v3',
        EDGE_URL: 'ws://127.0.0.1:2/edge',
        SPEECH_DEVICE: 'cuda:1',
        PYTHON: '/opt/python',
        PYTHON_FOLDER: '/opt/speech',
      }),
    ).toEqual({
      names: ['flite'],
      mostVoices: 2,
      profiles: { flite: { base: undefined, chosenBy: undefined, set: {} } },
      kokoro: { url: 'https://kokoro.example' },
      chatterbox: { url: 'http://10.0.0.1:8004', variant: 'multilingual', voicesFolder: '/srv/voices' },
      coqui: {
        url: 'http://10.0.0.2:5002',
        languages: ['en', 'de'],
        speakers: ['p225', 'p226'],
        model: 'tts_models/multilingual/multi-dataset/xtts_v2',
      },
      elevenlabs: { url: 'http://127.0.0.1:1', apiKey: undefined, model: 'eleven_v3' },
      edge: { url: 'ws://127.0.0.1:2/edge' },
      python: { command: '/opt/python', folder: '/opt/speech', device: 'cuda:1' },
    });
  });

  it.each([
    ['KOKORO_URL', 'ftp://kokoro.example'],
    ['EDGE_URL', 'https://edge.example'],
    ['VOICES_TRIED', '0'],
    ['CHATTERBOX_VARIANT', 'klingon'],
  ])('names %s when it is %j', (name, value) => {
    expect(() => parse({ [name]: value })).toThrow(name);
  });

  it.each(['', ' '])('wants the key of ElevenLabs, not %j', (ELEVENLABS_API_KEY) => {
    expect(() => parse({ ENGINES: 'elevenlabs', ELEVENLABS_API_KEY })).toThrow(
      'ELEVENLABS_API_KEY: is needed by the engine elevenlabs',
    );
  });

  it('never prints that key', () => {
    const config = parse({ ENGINES: 'elevenlabs', ELEVENLABS_API_KEY: ' sk_hush ' });
    expect(config.elevenlabs.apiKey?.text).toBe('sk_hush');
    expect(`${inspect(config, { depth: 9 })}${JSON.stringify(config)}`).not.toContain('sk_hush');
  });

  it('ignores the variables of engines that are not in ENGINES', () => {
    const environment = {
      ENGINES: ' chatterbox-python , edge',
      KOKORO_URL: 'nowhere',
      KOKORO_RETRIES: 'many',
      CHATTERBOX_VARIANT: 'english',
      EDGE_RETRIES: '1',
      ELEVENLABS_API_KEY: 'k',
      SPEECH_DEVICE: 'cpu',
    };
    expect(Object.keys(withoutUnusedEngines(environment))).toEqual([
      'ENGINES',
      'CHATTERBOX_VARIANT',
      'EDGE_RETRIES',
      'SPEECH_DEVICE',
    ]);
    expect(Object.keys(withoutUnusedEngines({ FLITE_RETRIES: '1', COQUI_URL: '' }))).toEqual([
      'FLITE_RETRIES',
    ]);
  });
});
