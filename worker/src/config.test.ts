import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { inspect } from 'node:util';
import { createNames, DEFAULT_STORY_LIMITS, SecretText } from '@taleback/core';
import { guarded } from '@taleback/resilience';
import { describe, expect, it } from 'vitest';
import { parseConfig, readEnvironment, workerEnvironment } from './config.ts';

const KEY = createHash('sha256').update('one').digest();
const HEX = KEY.toString('hex').replaceAll(/../g, '$& ').trim();
const SECRET = `whsec_${KEY.toString('base64')}`;
const OTHER_KEY = createHash('sha256').update('two').digest();

const DEFAULT_ENGINES = {
  names: ['flite'],
  mostVoices: 2,
  profiles: { flite: { base: undefined, chosenBy: undefined, set: {} } },
  kokoro: { url: 'http://127.0.0.1:8880' },
  chatterbox: { url: 'http://127.0.0.1:8004', variant: 'english', voicesFolder: undefined },
  coqui: {
    url: 'http://127.0.0.1:5002',
    languages: ['en'],
    speakers: [],
    model: 'tts_models/en/jenny/jenny',
  },
  elevenlabs: {
    url: 'https://api.elevenlabs.io',
    apiKey: undefined,
    model: 'eleven_multilingual_v2',
  },
  edge: { url: 'wss://speech.platform.bing.com/consumer/speech/synthesize/readaloud/edge/v1' },
  python: { command: 'python3', folder: undefined, device: 'auto' },
};

const providerOf = (environment: Record<string, string>) =>
  parseConfig(environment).protection.options.ttsProvider;

describe('parseConfig', () => {
  it('needs nothing: every default is one machine’s', () => {
    const { secrets, ...config } = parseConfig({});
    expect(secrets.standard).toEqual([]);
    expect(secrets.hmac).toEqual([]);
    expect(config).toEqual({
      callbacks: {
        standard: true,
        hmac: undefined,
        allowPrivate: false,
        allowPlainHttp: false,
        outbox: {
          folder: '.taleback/outbox',
          policy: {
            backoff: { kind: 'exponential', initialMs: 1_000, maxMs: 300_000, jitter: 'equal' },
            deadlineMs: 86_400_000,
            unauthorizedMs: 900_000,
          },
        },
      },
      source: {
        kind: 'pubsub',
        runpodOutboxFolder: '.taleback/runpod-outbox',
        runpodDev: {
          host: '127.0.0.1',
          port: 8000,
          names: [],
          apiKey: undefined,
          allowPrivateWebhooks: false,
        },
      },
      names: createNames(),
      subscription: 'tts-jobs-worker',
      concurrency: 2,
      ackDeadlineSeconds: 20,
      streamDeadMs: 600_000,
      speech: {
        manager: {
          workerPool: {
            minWorkers: 1,
            maxWorkers: Math.min(availableParallelism(), 5),
            scaleUpThreshold: 5,
            scaleDownThreshold: 30_000,
            balancing: 'weighted',
            modelSpecialization: true,
            recycleAfterJobs: 2_000,
            recycleAboveBytes: 2 ** 30,
          },
          circuitBreaker: { timeoutMs: 10_000, failureThreshold: 0.5, resetTimeoutMs: 60_000 },
          health: { intervalMs: 5_000, maxMisses: 3 },
          retry: { maxAttempts: 4, deadlineMs: 60_000 },
        },
        versions: ['2.1.0', '2.0.0', '1.0.0'],
      },
      protection: {
        options: {
          ttsProvider: '',
          cooldownMs: 300_000,
          requestsPerMinute: 0,
          intervalMs: 5_000,
          cpuCriticalSamples: 12,
          thresholds: {
            cpu: { warning: 0.8, critical: 0.95 },
            memory: { warning: 0.8, critical: 0.95 },
            load: { warning: 1.25, critical: 2.5 },
          },
        },
        controlFile: '.taleback/control.env',
      },
      health: { host: '127.0.0.1', port: 9464, names: [] },
      heartbeatUrl: undefined,
      engines: DEFAULT_ENGINES,
      storage: { kind: 'folder', folder: '.taleback/audio', baseUrl: undefined },
      privateStorage: { kind: 'private-folder', folder: join('.taleback/outbox', 'private') },
      recordingLifetimeMs: 30 * 86_400_000,
      cache: {
        isOn: true,
        folder: '.taleback/cache',
        limits: { maxBytes: 512 * 2 ** 20, maxAgeMs: 30 * 86_400_000 },
      },
      audio: { folder: '.taleback/audio', host: '127.0.0.1', port: 8787, names: [] },
      limits: DEFAULT_STORY_LIMITS,
      drainMs: 20_000,
      logLevel: 'info',
      workerId: undefined,
    });
  });

  it('reads every variable, in its unit', () => {
    const { secrets, ...config } = parseConfig({
      CALLBACK_SECRETS: ` ${SECRET} , ${OTHER_KEY.toString('base64')},, hmac_shared-with-older-receivers, hmac_another-of-older-receivers`,
      CALLBACK_SIGNING: 'both',
      HMAC_HEADER_PREFIX: 'storybook',
      ALLOW_PRIVATE_CALLBACKS: 'on',
      ALLOW_PLAIN_HTTP_CALLBACKS: 'on',
      OUTBOX_FOLDER: '/srv/outbox',
      CALLBACK_RETRY_FIRST_SECONDS: '5',
      CALLBACK_RETRY_MOST_SECONDS: '40',
      CALLBACK_DEADLINE_HOURS: '1',
      CALLBACK_UNAUTHORIZED_MINUTES: '2',
      JOB_SOURCE: 'runpod-dev',
      RUNPOD_OUTBOX_FOLDER: '/srv/runpod',
      RUNPOD_DEV_HOST: '0.0.0.0',
      RUNPOD_DEV_PORT: '0',
      RUNPOD_DEV_API_KEY: 'of-the-clients',
      JOBS_SUBSCRIPTION: 'mine',
      JOB_CONCURRENCY: '4',
      JOB_ACK_DEADLINE_SECONDS: '600',
      JOB_STREAM_DEAD_SECONDS: '60',
      SPEECH_WORKERS_MIN: '2',
      SPEECH_WORKERS_MAX: '3',
      SPEECH_SCALE_UP_DEPTH: '7',
      SPEECH_SCALE_DOWN_SECONDS: '60',
      SPEECH_BALANCING: 'model-affinity',
      SPEECH_MODEL_SPECIALIZATION: 'off',
      SPEECH_HEALTH_MISSES: '4',
      SPEECH_RETRIES: '0',
      SPEECH_FAILURE_THRESHOLD: '0.25',
      SPEECH_BREAKER_COOLDOWN_SECONDS: '30',
      SPEECH_RECYCLE_AFTER_JOBS: '10',
      SPEECH_RECYCLE_ABOVE_MB: '512',
      SPEECH_HEALTH_SECONDS: '2.5',
      SPEECH_PROTOCOLS: ' 1.0.0 ',
      CHUNK_TIMEOUT_SECONDS: '1.5',
      CHUNK_DEADLINE_SECONDS: '30',
      TTS_PROVIDER: 'disabled',
      CONTROL_FILE: '/etc/taleback.env',
      CPU_WARNING_PERCENT: '50',
      CPU_CRITICAL_PERCENT: '60',
      MEMORY_WARNING_PERCENT: '51',
      MEMORY_CRITICAL_PERCENT: '61',
      LOAD_WARNING_PER_CORE: '1',
      LOAD_CRITICAL_PER_CORE: '2',
      PROTECTION_COOLDOWN_SECONDS: '1',
      PROTECTION_INTERVAL_SECONDS: '0.5',
      CPU_CRITICAL_SAMPLES: '4',
      REQUESTS_PER_MINUTE: '10',
      HEALTH_HOST: '0.0.0.0',
      HEALTH_PORT: '0',
      HEARTBEAT_URL: 'https://tales.example/api/tts/heartbeat',
      ENGINES: ' kokoro, flite ',
      KOKORO_PROFILE: 'guarded',
      KOKORO_BREAKER_COOLDOWN_SECONDS: '30',
      FLITE_CONCURRENCY: '1',
      EDGE_RETRIES: 'is not read: edge is not in ENGINES',
      VOICES_TRIED: '3',
      SPEECH_CACHE: 'off',
      SPEECH_CACHE_FOLDER: '/srv/cache',
      SPEECH_CACHE_MB: '1',
      SPEECH_CACHE_DAYS: '1',
      AUDIO_FOLDER: '/tmp/audio',
      PRIVATE_FOLDER: '/srv/private',
      RECORDING_DAYS: '7',
      AUDIO_HOST: '0.0.0.0',
      AUDIO_PORT: '0',
      AUDIO_BASE_URL: 'https://cdn.example/audio//',
      ALLOWED_HOSTS: 'worker, worker.internal',
      MAX_STORY_CHARACTERS: '100',
      DRAIN_SECONDS: '0.5',
      LOG_LEVEL: 'debug',
      WORKER_ID: 'w1',
      SOMETHING_ELSE: 'x',
    });
    expect(secrets.standard.map((key) => Buffer.from(key))).toEqual([KEY, OTHER_KEY]);
    expect(secrets.hmac).toEqual(['shared-with-older-receivers', 'another-of-older-receivers']);
    expect(config).toEqual({
      callbacks: {
        standard: true,
        hmac: { prefix: 'storybook' },
        allowPrivate: true,
        allowPlainHttp: true,
        outbox: {
          folder: '/srv/outbox',
          policy: {
            backoff: { kind: 'exponential', initialMs: 5_000, maxMs: 40_000, jitter: 'equal' },
            deadlineMs: 3_600_000,
            unauthorizedMs: 120_000,
          },
        },
      },
      source: {
        kind: 'runpod-dev',
        runpodOutboxFolder: '/srv/runpod',
        runpodDev: {
          host: '0.0.0.0',
          port: 0,
          names: ['worker', 'worker.internal'],
          apiKey: new SecretText('of-the-clients'),
          allowPrivateWebhooks: true,
        },
      },
      names: createNames(),
      subscription: 'mine',
      concurrency: 4,
      ackDeadlineSeconds: 600,
      streamDeadMs: 60_000,
      speech: {
        manager: {
          workerPool: {
            minWorkers: 2,
            maxWorkers: 3,
            scaleUpThreshold: 7,
            scaleDownThreshold: 60_000,
            balancing: 'model-affinity',
            modelSpecialization: false,
            recycleAfterJobs: 10,
            recycleAboveBytes: 512 * 2 ** 20,
          },
          circuitBreaker: { timeoutMs: 1_500, failureThreshold: 0.25, resetTimeoutMs: 30_000 },
          health: { intervalMs: 2_500, maxMisses: 4 },
          retry: { maxAttempts: 1, deadlineMs: 30_000 },
        },
        versions: ['1.0.0'],
      },
      protection: {
        options: {
          ttsProvider: 'disabled',
          cooldownMs: 1_000,
          requestsPerMinute: 10,
          intervalMs: 500,
          cpuCriticalSamples: 4,
          thresholds: {
            cpu: { warning: 0.5, critical: 0.6 },
            memory: { warning: 0.51, critical: 0.61 },
            load: { warning: 1, critical: 2 },
          },
        },
        controlFile: '/etc/taleback.env',
      },
      health: { host: '0.0.0.0', port: 0, names: ['worker', 'worker.internal'] },
      heartbeatUrl: 'https://tales.example/api/tts/heartbeat',
      engines: {
        ...DEFAULT_ENGINES,
        names: ['kokoro', 'flite'],
        mostVoices: 3,
        profiles: {
          kokoro: { base: guarded, chosenBy: 'KOKORO_PROFILE', set: { cooldownMs: 30_000 } },
          flite: { base: undefined, chosenBy: undefined, set: { maxConcurrent: 1 } },
        },
      },
      storage: { kind: 'folder', folder: '/tmp/audio', baseUrl: 'https://cdn.example/audio' },
      privateStorage: { kind: 'private-folder', folder: '/srv/private' },
      recordingLifetimeMs: 7 * 86_400_000,
      cache: {
        isOn: false,
        folder: '/srv/cache',
        limits: { maxBytes: 2 ** 20, maxAgeMs: 86_400_000 },
      },
      audio: {
        folder: '/tmp/audio',
        host: '0.0.0.0',
        port: 0,
        names: ['cdn.example', 'worker', 'worker.internal'],
      },
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
    ['CALLBACK_SECRETS', `${SECRET},hmac_`],
    ['CALLBACK_SECRETS', `whsec_${Buffer.alloc(24).toString('base64')}`],
    ['CALLBACK_SECRETS', 'hmac_x'],
    ['CALLBACK_SIGNING', 'none'],
    ['HMAC_HEADER_PREFIX', 'Upper Case'],
    ['ALLOW_PRIVATE_CALLBACKS', 'yes'],
    ['OUTBOX_FOLDER', ''],
    ['CALLBACK_RETRY_FIRST_SECONDS', '0'],
    ['CALLBACK_RETRY_MOST_SECONDS', '3601'],
    ['CALLBACK_DEADLINE_HOURS', '0'],
    ['CALLBACK_UNAUTHORIZED_MINUTES', '-1'],
    ['JOB_SOURCE', 'kafka'],
    ['RUNPOD_OUTBOX_FOLDER', ''],
    ['RUNPOD_DEV_HOST', ''],
    ['RUNPOD_DEV_PORT', '65536'],
    ['JOBS_SUBSCRIPTION', 'no spaces'],
    ['JOBS_SUBSCRIPTION', 'ab'],
    ['JOB_CONCURRENCY', '0'],
    ['JOB_CONCURRENCY', '65'],
    ['JOB_CONCURRENCY', '1.5'],
    ['JOB_CONCURRENCY', 'many'],
    ['JOB_CONCURRENCY', ''],
    ['JOB_ACK_DEADLINE_SECONDS', '9'],
    ['JOB_ACK_DEADLINE_SECONDS', '601'],
    ['JOB_STREAM_DEAD_SECONDS', '0'],
    ['SPEECH_WORKERS_MIN', '0'],
    ['SPEECH_WORKERS_MAX', '-1'],
    ['SPEECH_WORKERS_MAX', '65'],
    ['SPEECH_BALANCING', 'random'],
    ['SPEECH_MODEL_SPECIALIZATION', 'yes'],
    ['SPEECH_FAILURE_THRESHOLD', '50'],
    ['SPEECH_BREAKER_COOLDOWN_SECONDS', '0'],
    ['SPEECH_HEALTH_MISSES', '0'],
    ['SPEECH_RETRIES', '-1'],
    ['SPEECH_PROTOCOLS', '3.0.0'],
    ['CPU_CRITICAL_PERCENT', '101'],
    ['LOAD_CRITICAL_PER_CORE', '0'],
    ['REQUESTS_PER_MINUTE', '-1'],
    ['SYSTEM_PROTECTION', 'maybe'],
    ['CPU_WARNING_PERCENT', '95.1'],
    ['MEMORY_WARNING_PERCENT', '99'],
    ['LOAD_WARNING_PER_CORE', '3'],
    ['HEALTH_PORT', '65536'],
    ['FLITE_RETRIES', 'many'],
    ['FLITE_PROFILE', 'careful'],
    ['CHUNK_TIMEOUT_SECONDS', '0'],
    ['CHUNK_TIMEOUT_SECONDS', 'Infinity'],
    ['CHUNK_DEADLINE_SECONDS', '0'],
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

  it('takes DJ_PROVIDER for TTS_PROVIDER: either switches narration off', () => {
    expect(providerOf({ DJ_PROVIDER: 'Disabled' })).toBe('Disabled');
    expect(providerOf({ DJ_PROVIDER: 'disabled', TTS_PROVIDER: 'flite' })).toBe('disabled');
    expect(providerOf({ DJ_PROVIDER: 'kokoro', TTS_PROVIDER: 'disabled' })).toBe('disabled');
    expect(providerOf({ DJ_PROVIDER: 'kokoro' })).toBe('');
  });

  it.each([
    ['hmac', SECRET],
    ['both', SECRET],
    ['both', 'hmac_shared-with-older-receivers'],
    ['standard', 'hmac_shared-with-older-receivers'],
  ])(
    'CALLBACK_SIGNING=%s without the secret for it is a fault that names it',
    (CALLBACK_SIGNING, secrets) => {
      expect(() => parseConfig({ CALLBACK_SIGNING, CALLBACK_SECRETS: secrets })).toThrow(
        /^configuration: CALLBACK_SECRETS: .+CALLBACK_SIGNING=/,
      );
    },
  );

  it('never prints the key of the local RunPod API', () => {
    const { source } = parseConfig({ RUNPOD_DEV_API_KEY: 'of-the-clients' });
    expect(source.runpodDev.apiKey?.text).toBe('of-the-clients');
    expect(`${inspect(source, { depth: 9 })}${JSON.stringify(source)}`).not.toContain('of-the-clients');
  });

  it('names every variable at fault at once', () => {
    expect(() => parseConfig({ LOG_LEVEL: 'loud', AUDIO_PORT: 'x', WORKER_ID: 'fine' })).toThrow(
      /^configuration: AUDIO_PORT: .+; LOG_LEVEL: .+$/,
    );
  });

  it.each([
    [{ ENGINES_URL: 'https://h.example/api/tts/engines' }, 'https://h.example/api/tts/heartbeat'],
    [{ ENGINES_URL: 'https://h.example/engines/?a=1' }, 'https://h.example/heartbeat/?a=1'],
    [
      { ENGINES_URL: 'https://h.example/engines', HEARTBEAT_URL: 'http://i.example/hb' },
      'http://i.example/hb',
    ],
  ])('sends heartbeats where %j says', (env, url) => {
    expect(parseConfig(env).heartbeatUrl).toBe(url);
  });

  it.each(['ftp://tales.example', 'tales.example'])('does not send heartbeats to %s', (HEARTBEAT_URL) => {
    expect(() => parseConfig({ HEARTBEAT_URL })).toThrow('HEARTBEAT_URL: must be an http or https address');
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
