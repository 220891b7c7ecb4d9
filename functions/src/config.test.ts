import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { createNames, DEFAULT_STORY_LIMITS } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { functionsEnvironment, parseConfig } from './config.ts';
import { parseDeployment } from './deployment.ts';

const KEY = createHash('sha256').update('one').digest();
const HEX = KEY.toString('hex').replaceAll(/../g, '$& ').trim();
const SECRET = `whsec_${KEY.toString('base64')}`;
const OTHER_KEY = createHash('sha256').update('two').digest();
const OTHER_SECRET = `whsec_${OTHER_KEY.toString('base64')}`;
const HMAC = 'shared-with-the-python-handlers';

describe('parseConfig', () => {
  it('needs a secret and has a default for the rest', () => {
    const { secrets, generateSecrets, ...config } = parseConfig({ CALLBACK_SECRETS: SECRET });
    expect(generateSecrets.count).toBe(0);
    expect([secrets.standard.map((key) => Buffer.from(key)), secrets.hmac]).toEqual([[KEY], []]);
    expect(config).toEqual({
      signatures: 'required',
      hmacHeaderPrefix: 'taleback',
      callers: { requestsPerSecond: 50, requestBurst: 200, refusalsPerMinute: 60 },
      trustedProxyHops: 1,
      callbackUrl: 'http://127.0.0.1:5000/api/tts/callback',
      webhookUrl: 'http://127.0.0.1:5000/api/tts/runpod-webhook',
      pendingLeaseMs: 900_000,
      processingLeaseMs: 120_000,
      storeTimeoutMs: 8_000,
      limits: { ...DEFAULT_STORY_LIMITS, languages: undefined },
      defaultVoice: 'slt',
      budgets: {
        user: { underWay: 10, narrations: 100, characters: 500_000, stories: 1_000 },
        anonymous: { underWay: 3, narrations: 20, characters: 100_000, stories: 100 },
        generate: undefined,
      },
      sharedVoices: ['slt', 'rms', 'awb', 'kal16'],
      dispatchTarget: 'pubsub',
      runpod: undefined,
      audioBaseUrl: undefined,
      autoRetry: { limit: 2, delaysMs: [60_000, 300_000] },
      events: 'on',
      publishLimitMs: 0,
      names: createNames(),
    });
  });

  it('reads every variable, in its unit', () => {
    const { secrets, generateSecrets, ...config } = parseConfig({
      CALLBACK_SIGNATURES: 'required',
      CALLBACK_SECRETS: `hmac_${HMAC}, ${SECRET} ,hmac_another-of-the-python-handlers`,
      GENERATE_SECRETS: OTHER_SECRET,
      HMAC_HEADER_PREFIX: 'my-app',
      CALLER_REQUESTS_PER_SECOND: '0.5',
      CALLER_BURST: '3',
      CALLER_REFUSALS_PER_MINUTE: '7',
      TRUSTED_PROXY_HOPS: '0',
      PUBLIC_BASE_URL: 'https://tales.example//',
      PENDING_LEASE_SECONDS: '10',
      PROCESSING_LEASE_SECONDS: '90.5',
      MAX_STORY_CHARACTERS: '5',
      STORY_LANGUAGES: 'en, de,,',
      DEFAULT_VOICE: 'ann',
      SHARED_VOICES: 'bob, mum',
      STORE_TIMEOUT_SECONDS: '1.5',
      DISPATCH_TARGET: 'runpod',
      RUNPOD_API_KEY: ' rp-key ',
      RUNPOD_ENDPOINT_ID: 'ep-1',
      RUNPOD_API_URL: 'https://rp.example/v2/',
      RUNPOD_EXECUTION_TIMEOUT_SECONDS: '30',
      RUNPOD_TTL_SECONDS: '60',
      RUNPOD_JOBS_PER_USER: '7',
      RUNPOD_CONFIRM_WEBHOOKS: 'off',
      AUDIO_PUBLIC_BASE_URL: 'https://audio.example/tales/',
      AUTO_RETRY_LIMIT: '0',
      TTS_EVENTS: 'off',
      TALEBACK_INSTANCE: 'acme',
      TALEBACK_REGION: 'europe-west1',
      STORY_OWNER_FIELD: 'uid',
      USER_NARRATIONS_UNDER_WAY: '1',
      USER_NARRATIONS_PER_DAY: '2',
      USER_CHARACTERS_PER_DAY: '3',
      USER_STORIES: 'off',
      ANONYMOUS_NARRATIONS_UNDER_WAY: 'off',
      ANONYMOUS_NARRATIONS_PER_DAY: 'off',
      ANONYMOUS_CHARACTERS_PER_DAY: 'off',
      ANONYMOUS_STORIES: 'off',
      GENERATE_NARRATIONS_PER_DAY: '7',
    });
    expect(secrets.standard.map((key) => Buffer.from(key))).toEqual([KEY]);
    expect(generateSecrets.standard.map((key) => Buffer.from(key))).toEqual([OTHER_KEY]);
    expect(secrets.hmac).toEqual([HMAC, 'another-of-the-python-handlers']);
    expect(config).toEqual({
      signatures: 'required',
      hmacHeaderPrefix: 'my-app',
      callers: { requestsPerSecond: 0.5, requestBurst: 3, refusalsPerMinute: 7 },
      trustedProxyHops: 0,
      callbackUrl: 'https://tales.example/api/tts/callback',
      webhookUrl: 'https://tales.example/api/tts/runpod-webhook',
      pendingLeaseMs: 10_000,
      processingLeaseMs: 90_500,
      storeTimeoutMs: 1_500,
      limits: { ...DEFAULT_STORY_LIMITS, maxCharacters: 5, languages: ['en', 'de'] },
      defaultVoice: 'ann',
      budgets: {
        user: { underWay: 1, narrations: 2, characters: 3 },
        anonymous: undefined,
        generate: { narrations: 7 },
      },
      sharedVoices: ['bob', 'mum'],
      dispatchTarget: 'runpod',
      runpod: {
        apiKey: expect.objectContaining({ text: 'rp-key' }),
        apiUrl: 'https://rp.example/v2',
        endpointId: 'ep-1',
        executionTimeoutMs: 30_000,
        ttlMs: 60_000,
        jobsPerUser: 7,
        confirmWebhooks: false,
      },
      audioBaseUrl: 'https://audio.example/tales',
      autoRetry: { limit: 0, delaysMs: [60_000, 300_000] },
      events: 'off',
      publishLimitMs: 0,
      names: createNames({ instance: 'acme', region: 'europe-west1', ownerField: 'uid' }),
    });
  });

  it.each([undefined, '', ' , '])(
    'takes stories in every language when STORY_LANGUAGES is %j',
    (languages) => {
      const { limits } = parseConfig({ CALLBACK_SECRETS: SECRET, STORY_LANGUAGES: languages });
      expect(limits.languages).toBeUndefined();
    },
  );

  it.each(['0', '-1', '1.5', 'none', 'OFF', '', 'Infinity'])('has no budget of %j', (USER_STORIES) => {
    expect(() => parseConfig({ CALLBACK_SECRETS: SECRET, USER_STORIES })).toThrow(
      'USER_STORIES: must be a whole number from 1 to 1000000000, or "off"',
    );
  });

  it('plans a deployment without secrets', () => {
    expect(parseDeployment({})).toEqual({ names: createNames(), enforceAppCheck: false, maxInstances: 20 });
    const { enforceAppCheck, maxInstances } = parseDeployment({ APP_CHECK: 'required', MAX_INSTANCES: '3' });
    expect([enforceAppCheck, maxInstances]).toEqual([true, 3]);
    expect(() => parseDeployment({ APP_CHECK: 'on', MAX_INSTANCES: '0' })).toThrow(
      /APP_CHECK: .*MAX_INSTANCES: /,
    );
  });

  it('lets an answer wait for its event only where work may stop after an answer', () => {
    const environment = { CALLBACK_SECRETS: SECRET, PUBLIC_BASE_URL: 'https://a.example' };
    expect(parseConfig(environment).publishLimitMs).toBe(0);
    expect(parseConfig({ ...environment, K_SERVICE: 'tts' }).publishLimitMs).toBe(500);
  });

  describe('the address of a deployment', () => {
    const cloud = { CALLBACK_SECRETS: SECRET, K_SERVICE: 'tts' };

    it.each([
      undefined,
      'http://127.0.0.1:5000',
      'http://localhost',
      'https://[::1]:1',
      'http://0.0.0.0:8080',
    ])('is not %s in the cloud', (url) => {
      const environment = { ...cloud, ...(url === undefined ? {} : { PUBLIC_BASE_URL: url }) };
      expect(() => parseConfig(environment)).toThrow('PUBLIC_BASE_URL: is needed in the cloud');
      expect(() => parseConfig({ ...environment, FUNCTIONS_EMULATOR: 'true' })).not.toThrow();
    });

    it('may be any other', () => {
      const { callbackUrl } = parseConfig({ ...cloud, PUBLIC_BASE_URL: 'https://tales.example' });
      expect(callbackUrl).toBe('https://tales.example/api/tts/callback');
    });
  });

  describe('signatures', () => {
    it('are off only by the exact word', () => {
      expect(parseConfig({ CALLBACK_SIGNATURES: 'off' }).signatures).toBe('off');
      for (const word of ['', 'OFF', 'false', 'no', ' off', '0']) {
        expect(() => parseConfig({ CALLBACK_SIGNATURES: word, CALLBACK_SECRETS: SECRET })).toThrow(
          /CALLBACK_SIGNATURES: /,
        );
      }
    });

    it.each([{}, { CALLBACK_SECRETS: '' }, { CALLBACK_SECRETS: ' , ' }])(
      'need a secret, which %o is not',
      (environment) => {
        expect(() => parseConfig(environment)).toThrow(/^configuration: CALLBACK_SECRETS: is needed/);
      },
    );

    it.each(['hmac_', `${SECRET},hmac_`, 'hmac_  '])(
      'never rest on the empty secret that everyone knows: %s',
      (text) => {
        expect(() => parseConfig({ CALLBACK_SECRETS: text })).toThrow(/^configuration: CALLBACK_SECRETS: .+/);
      },
    );
  });

  it.each([
    ['CALLBACK_SECRETS', 'whsec_not!base64'],
    ['CALLBACK_SECRETS', `whsec_${Buffer.alloc(23).toString('base64')}`],
    ['CALLBACK_SECRETS', `whsec_${Buffer.alloc(24).toString('base64')}`],
    ['CALLBACK_SECRETS', `${SECRET},hmac_x`],
    ['GENERATE_SECRETS', 'hmac_x'],
    ['GENERATE_SECRETS', `whsec_${Buffer.alloc(32, 9).toString('base64')}`],
    ['GENERATE_SECRETS', `${OTHER_SECRET},${SECRET}`],
    ['GENERATE_SECRETS', SECRET.slice('whsec_'.length)],
    ['HMAC_HEADER_PREFIX', ''],
    ['HMAC_HEADER_PREFIX', 'Upper'],
    ['HMAC_HEADER_PREFIX', 'a b'],
    ['HMAC_HEADER_PREFIX', 'x'.repeat(41)],
    ['CALLER_REQUESTS_PER_SECOND', '0'],
    ['CALLER_BURST', '0.5'],
    ['CALLER_REFUSALS_PER_MINUTE', '0'],
    ['TRUSTED_PROXY_HOPS', '-1'],
    ['DISPATCH_TARGET', 'RunPod'],
    ['RUNPOD_ENDPOINT_ID', 'a/b'],
    ['RUNPOD_API_URL', 'api.runpod.ai'],
    ['RUNPOD_EXECUTION_TIMEOUT_SECONDS', '4'],
    ['RUNPOD_TTL_SECONDS', '9'],
    ['RUNPOD_JOBS_PER_USER', '0'],
    ['RUNPOD_CONFIRM_WEBHOOKS', 'OFF'],
    ['AUDIO_PUBLIC_BASE_URL', 'file:///audio'],
    ['AUTO_RETRY_LIMIT', '-1'],
    ['TTS_EVENTS', 'no'],
    ['PUBLIC_BASE_URL', 'tales.example'],
    ['PUBLIC_BASE_URL', 'ftp://tales.example'],
    ['PENDING_LEASE_SECONDS', '9'],
    ['PENDING_LEASE_SECONDS', '86401'],
    ['PENDING_LEASE_SECONDS', ''],
    ['PROCESSING_LEASE_SECONDS', 'soon'],
    ['PROCESSING_LEASE_SECONDS', '3601'],
    ['MAX_STORY_CHARACTERS', '0'],
    ['MAX_STORY_CHARACTERS', '1.5'],
    ['DEFAULT_VOICE', ''],
    ['STORE_TIMEOUT_SECONDS', '0'],
    ['STORE_TIMEOUT_SECONDS', '61'],
    ['TALEBACK_INSTANCE', 'No Spaces'],
    ['TALEBACK_REGION', 'mars'],
    ['STORY_OWNER_FIELD', 'a.b'],
  ])('%s=%s is a fault that names it', (name, value) => {
    expect(() => parseConfig({ CALLBACK_SECRETS: SECRET, [name]: value })).toThrow(
      new RegExp(`^configuration: ${name}: .`),
    );
  });

  describe('jobs for RunPod', () => {
    const wanted = { DISPATCH_TARGET: 'runpod', RUNPOD_API_KEY: 'k', RUNPOD_ENDPOINT_ID: 'ep' };

    it.each([{ RUNPOD_API_KEY: ' ' }, { RUNPOD_API_KEY: '-' }, { RUNPOD_ENDPOINT_ID: '' }])(
      'need what %o lacks',
      (lack) => {
        expect(() => parseConfig({ CALLBACK_SECRETS: SECRET, ...wanted, ...lack })).toThrow(
          /^configuration: DISPATCH_TARGET: /,
        );
      },
    );

    it('need a secret for the addresses that RunPod calls, signatures or none', () => {
      expect(() => parseConfig({ CALLBACK_SIGNATURES: 'off', ...wanted })).toThrow(
        /^configuration: CALLBACK_SECRETS: /,
      );
    });

    it('do not show their key', () => {
      const { runpod } = parseConfig({ CALLBACK_SECRETS: SECRET, ...wanted, RUNPOD_API_KEY: 'rp-hidden' });
      expect(runpod?.apiKey.text).toBe('rp-hidden');
      expect(JSON.stringify(runpod) + inspect(runpod, { depth: null })).not.toContain('rp-hidden');
    });
  });

  it.each(['', '-', undefined])('takes no requests of servers when GENERATE_SECRETS is %j', (text) => {
    const { generateSecrets } = parseConfig({ CALLBACK_SECRETS: SECRET, GENERATE_SECRETS: text });
    expect(generateSecrets.count).toBe(0);
  });

  it('names every variable at fault at once', () => {
    expect(() => parseConfig({ DEFAULT_VOICE: '', STORE_TIMEOUT_SECONDS: 'x' })).toThrow(
      /^configuration: DEFAULT_VOICE: .+; STORE_TIMEOUT_SECONDS: .+$/,
    );
  });

  it('says of every variable what it is for', () => {
    for (const [name, field] of Object.entries(functionsEnvironment.shape)) {
      expect(field.description, name).toMatch(/^[A-Z].+\.$/);
    }
  });
});

describe('a secret', () => {
  const { secrets } = parseConfig({ CALLBACK_SECRETS: `${SECRET},hmac_${HMAC}` });
  const spellings = [
    SECRET.slice('whsec_'.length),
    KEY.toString('hex'),
    KEY.join(', '),
    KEY.join(','),
    HEX,
    HMAC,
  ];

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

  it.each([`whsec_c2hvcnQtc2VjcmV0`, `hmac_${HMAC},whsec_c2hvcnQtc2VjcmV0`])(
    'is not repeated by the fault it causes: %s',
    (wrong) => {
      const fault = (() => {
        try {
          return parseConfig({ CALLBACK_SECRETS: wrong });
        } catch (error) {
          return error;
        }
      })();
      expect(fault).toBeInstanceOf(Error);
      expect(inspect(fault, { depth: null })).not.toContain('c2hvcnQ');
      expect(inspect(fault, { depth: null })).not.toContain(HMAC);
    },
  );
});
