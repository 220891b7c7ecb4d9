import { inspect } from 'node:util';
import { DEFAULT_STORY_LIMITS } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { parseConfig, readEnvironment, workerEnvironment } from './config.ts';

const KEY = Buffer.alloc(24, 1);
const HEX = KEY.toString('hex').replaceAll('01', '01 ').trim();
const SECRET = `whsec_${KEY.toString('base64')}`;
const OTHER_KEY = Buffer.alloc(32, 2);

describe('parseConfig', () => {
  it('needs nothing: every default is one machine’s', () => {
    const { secrets, ...config } = parseConfig({});
    expect(secrets.keys).toEqual([]);
    expect(config).toEqual({
      subscription: 'tts-jobs-worker',
      concurrency: 2,
      ackDeadlineSeconds: 20,
      speechThreads: undefined,
      chunkTimeoutMs: 60_000,
      audio: { folder: '.taleback/audio', host: '127.0.0.1', port: 8787, baseUrl: undefined },
      limits: DEFAULT_STORY_LIMITS,
      drainMs: 20_000,
      logLevel: 'info',
      workerId: undefined,
    });
  });

  it('reads every variable, in its unit', () => {
    const { secrets, ...config } = parseConfig({
      CALLBACK_SECRETS: ` ${SECRET} , ${OTHER_KEY.toString('base64')},, hmac_of-the-receiver-only`,
      JOBS_SUBSCRIPTION: 'mine',
      JOB_CONCURRENCY: '4',
      JOB_ACK_DEADLINE_SECONDS: '600',
      SPEECH_THREADS: '3',
      CHUNK_TIMEOUT_SECONDS: '1.5',
      AUDIO_FOLDER: '/tmp/audio',
      AUDIO_HOST: '0.0.0.0',
      AUDIO_PORT: '0',
      AUDIO_BASE_URL: 'https://cdn.example/audio//',
      MAX_STORY_CHARACTERS: '100',
      DRAIN_SECONDS: '0.5',
      LOG_LEVEL: 'debug',
      WORKER_ID: 'w1',
      SOMETHING_ELSE: 'x',
    });
    expect(secrets.keys.map((key) => Buffer.from(key))).toEqual([KEY, OTHER_KEY]);
    expect(config).toEqual({
      subscription: 'mine',
      concurrency: 4,
      ackDeadlineSeconds: 600,
      speechThreads: 3,
      chunkTimeoutMs: 1_500,
      audio: { folder: '/tmp/audio', host: '0.0.0.0', port: 0, baseUrl: 'https://cdn.example/audio' },
      limits: { ...DEFAULT_STORY_LIMITS, maxCharacters: 100 },
      drainMs: 500,
      logLevel: 'debug',
      workerId: 'w1',
    });
  });

  it.each([
    ['CALLBACK_SECRETS', 'whsec_not!base64'],
    ['CALLBACK_SECRETS', `whsec_${Buffer.alloc(23).toString('base64')}`],
    ['CALLBACK_SECRETS', `${SECRET},whsec_`],
    ['JOBS_SUBSCRIPTION', 'no spaces'],
    ['JOBS_SUBSCRIPTION', 'ab'],
    ['JOB_CONCURRENCY', '0'],
    ['JOB_CONCURRENCY', '65'],
    ['JOB_CONCURRENCY', '1.5'],
    ['JOB_CONCURRENCY', 'many'],
    ['JOB_CONCURRENCY', ''],
    ['JOB_ACK_DEADLINE_SECONDS', '9'],
    ['JOB_ACK_DEADLINE_SECONDS', '601'],
    ['SPEECH_THREADS', '-1'],
    ['SPEECH_THREADS', '65'],
    ['CHUNK_TIMEOUT_SECONDS', '0'],
    ['CHUNK_TIMEOUT_SECONDS', 'Infinity'],
    ['AUDIO_FOLDER', ''],
    ['AUDIO_HOST', ''],
    ['AUDIO_PORT', '65536'],
    ['AUDIO_PORT', '-1'],
    ['AUDIO_BASE_URL', 'ftp://cdn.example'],
    ['AUDIO_BASE_URL', 'cdn.example'],
    ['MAX_STORY_CHARACTERS', '0'],
    ['MAX_STORY_CHARACTERS', '200001'],
    ['DRAIN_SECONDS', '-1'],
    ['DRAIN_SECONDS', '3601'],
    ['LOG_LEVEL', 'loud'],
    ['WORKER_ID', ''],
  ])('%s=%s is a fault that names it', (name, value) => {
    expect(() => parseConfig({ [name]: value })).toThrow(new RegExp(`^configuration: ${name}: .`));
  });

  it('names every variable at fault at once', () => {
    expect(() => parseConfig({ LOG_LEVEL: 'loud', AUDIO_PORT: 'x', WORKER_ID: 'fine' })).toThrow(
      /^configuration: AUDIO_PORT: .+; LOG_LEVEL: .+$/,
    );
  });

  it('reads the environment when asked, not when imported', () => {
    process.env['WORKER_ID'] = 'set-later';
    expect(parseConfig(readEnvironment()).workerId).toBe('set-later');
    delete process.env['WORKER_ID'];
  });

  it('says of every variable what it is for', () => {
    for (const [name, field] of Object.entries(workerEnvironment.shape)) {
      expect(field.description, name).toMatch(/^[A-Z].+\.$/);
    }
  });
});

describe('a secret', () => {
  const { secrets } = parseConfig({ CALLBACK_SECRETS: SECRET });
  const spellings = [SECRET.slice('whsec_'.length), KEY.toString('hex'), KEY.join(', '), KEY.join(','), HEX];

  it.each([
    ['JSON', () => JSON.stringify({ secrets })],
    ['inspection', () => inspect({ secrets }, { depth: null, showHidden: true, getters: true })],
    [
      'inspection without its custom rule',
      () => inspect(secrets, { showHidden: true, customInspect: false }),
    ],
    ['text', () => String(Object(secrets))],
    ['its fields', () => JSON.stringify(Object.entries(secrets))],
    ['a copy', () => inspect(Object.assign({}, secrets))],
    ['a clone', () => inspect(structuredClone(secrets))],
  ])('is not in %s of the configuration', (_, print) => {
    for (const spelling of spellings) expect(print()).not.toContain(spelling);
  });

  it('is redacted, not dropped, where JSON is logged', () => {
    expect(JSON.stringify({ secrets })).toBe('{"secrets":"[redacted]"}');
  });

  it('is not repeated by the fault it causes', () => {
    const wrong = 'whsec_c2hvcnQtc2VjcmV0';
    const fault = (() => {
      try {
        return parseConfig({ CALLBACK_SECRETS: wrong });
      } catch (error) {
        return error;
      }
    })();
    expect(fault).toBeInstanceOf(Error);
    expect(inspect(fault, { depth: null })).not.toContain('c2hvcnQ');
  });
});
