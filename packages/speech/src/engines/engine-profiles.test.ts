import { edge, guarded, kokoro, numbersOf } from '@taleback/resilience';
import { describe, expect, it } from 'vitest';
import { numbersInForce, policyOf, prefixOf, profileSettings, readProfile } from './engine-profiles.ts';

const SERVICES = ['kokoro', 'chatterbox', 'coqui', 'elevenlabs', 'edge'] as const;
const PROCESSES = ['flite', 'espeak-ng', 'chatterbox-python', 'coqui-python'] as const;

/** A value of every setting, with the number that it is in a profile. */
const VALUES = {
  TIMEOUT_SECONDS: ['7.5', { timeoutMs: 7_500 }],
  RETRIES: ['7', { retries: 7 }],
  BACKOFF_FIRST_SECONDS: ['3', { backoffFirstMs: 3_000 }],
  BACKOFF_MOST_SECONDS: ['33', { backoffMostMs: 33_000 }],
  CONCURRENCY: ['9', { maxConcurrent: 9 }],
  REQUESTS_PER_MINUTE: ['11', { requestsPerMinute: 11 }],
  BREAKER_FAILURES: ['8', { failures: 8 }],
  BREAKER_SUCCESSES: ['4', { successes: 4 }],
  BREAKER_COOLDOWN_SECONDS: ['77', { cooldownMs: 77_000 }],
  BREAKER_COOLDOWN_MIN_SECONDS: ['5', { cooldownMinMs: 5_000 }],
  BREAKER_COOLDOWN_MAX_SECONDS: ['700', { cooldownMaxMs: 700_000 }],
} as const;

it('every setting is in the table of this test', () => {
  expect(['PROFILE', ...Object.keys(VALUES)]).toEqual(Object.keys(profileSettings.shape));
});

describe.each(SERVICES)('the service %s', (engine) => {
  it('has the profile of its name', () => {
    const profile = readProfile(engine, {});
    expect(profile).toMatchObject({ base: { name: engine }, chosenBy: undefined, set: {} });
  });

  it.each(Object.entries(VALUES))('takes %s', (name, [text, numbers]) => {
    const variable = `${engine.toUpperCase()}_${name}`;
    const policy = policyOf(readProfile(engine, { [variable]: text }));
    expect(policy && numbersOf(policy)).toMatchObject(numbers);
  });

  it('takes another profile whole, and single values over it', () => {
    const prefix = prefixOf(engine);
    const profile = readProfile(engine, { [`${prefix}PROFILE`]: 'guarded', [`${prefix}RETRIES`]: '3' });
    const policy = policyOf(profile);
    expect(profile.chosenBy).toBe(`${prefix}PROFILE`);
    expect(policy && numbersOf(policy)).toEqual({ ...numbersOf(guarded), retries: 3 });
  });
});

describe.each(PROCESSES)('the engine %s in processes', (engine) => {
  it('has no profile of its own', () => {
    expect(readProfile(engine, {})).toEqual({ base: undefined, chosenBy: undefined, set: {} });
  });

  it.each(Object.entries(VALUES))('takes %s', (name, [text, numbers]) => {
    expect(readProfile(engine, { [`${prefixOf(engine)}${name}`]: text }).set).toEqual(numbers);
  });
});

describe('readProfile', () => {
  it('keeps the engines apart, and takes an empty variable for none', () => {
    const environment = { CHATTERBOX_PYTHON_RETRIES: '1', KOKORO_RETRIES: ' ', KOKORO_PROFILE: '' };
    expect(readProfile('chatterbox', environment).set).toEqual({});
    expect(readProfile('kokoro', environment)).toMatchObject({ base: kokoro, set: {} });
  });

  it('follows a changed number with the bounds around it', () => {
    const environment = { EDGE_BREAKER_COOLDOWN_SECONDS: '30', EDGE_BACKOFF_FIRST_SECONDS: '9' };
    const policy = policyOf(readProfile('edge', environment));
    expect(policy?.breaker).toMatchObject({
      cooldownMs: 30_000,
      adaptive: { minMs: 30_000, maxMs: 600_000 },
    });
    expect(policy?.retry?.backoff).toMatchObject({ initialMs: 9_000, maxMs: 9_000 });
    expect(policyOf(readProfile('kokoro', {}))?.breaker).not.toHaveProperty('adaptive');
    expect(policyOf(readProfile('edge', {}))?.breaker).toEqual(edge.breaker);
  });

  it.each([
    ['PROFILE', 'careful'],
    ['TIMEOUT_SECONDS', '0'],
    ['TIMEOUT_SECONDS', '601'],
    ['TIMEOUT_SECONDS', '15s'],
    ['RETRIES', '-1'],
    ['RETRIES', '1.5'],
    ['BACKOFF_FIRST_SECONDS', 'NaN'],
    ['CONCURRENCY', '0'],
    ['REQUESTS_PER_MINUTE', '10001'],
    ['BREAKER_FAILURES', '0'],
    ['BREAKER_SUCCESSES', '101'],
    ['BREAKER_COOLDOWN_SECONDS', 'Infinity'],
    ['BACKOFF_MOST_SECONDS', '0.5'],
    ['BREAKER_COOLDOWN_MIN_SECONDS', '61'],
    ['BREAKER_COOLDOWN_MAX_SECONDS', '59'],
  ])('refuses KOKORO_%s=%s in one sentence that names it', (name, value) => {
    expect(() => readProfile('kokoro', { [`KOKORO_${name}`]: value })).toThrow(
      new RegExp(`^configuration: KOKORO_${name}: must [^;]+$`),
    );
  });
});

const force = (engine: string, environment: Record<string, string>, manager = {}) => {
  const engines = { profiles: { [engine]: readProfile(engine, environment) } };
  const { profile, numbers } = numbersInForce(engine, { engines, manager, environment });
  return [profile, ...numbers].map(({ value, variable }) => [value, variable].filter(Boolean).join(' < '));
};

describe('numbersInForce', () => {
  it('names the profile, the numbers, and the variables that they come from', () => {
    expect(force('kokoro', { KOKORO_PROFILE: 'guarded', KOKORO_RETRIES: '3' })).toEqual([
      'guarded < KOKORO_PROFILE',
      'timeout 15 s',
      'retries 3 < KOKORO_RETRIES',
      'backoff first 4 s',
      'backoff most 16 s',
      'concurrency 2',
      'requests per minute 10',
      'breaker failures 5',
      'breaker successes 2',
      'breaker cooldown 300 s',
      'deadline 60 s',
    ]);
  });

  it('of an engine in processes are those of all, and its own', () => {
    const environment = { CHUNK_TIMEOUT_SECONDS: '20', FLITE_CONCURRENCY: '2' };
    expect(force('flite', environment, { circuitBreaker: { timeoutMs: 20_000 } })).toEqual([
      'worker',
      'timeout 20 s < CHUNK_TIMEOUT_SECONDS',
      'retries 3',
      'backoff first 1 s',
      'backoff most 4 s',
      'concurrency 2 < FLITE_CONCURRENCY',
      'requests per minute 0',
      'breaker successes 2',
      'breaker cooldown 60 s',
      'deadline 60 s',
      'breaker failure share 0.5',
      'health check every 5 s',
      'missed health checks 3',
      'model specialization on',
    ]);
  });

  it('names the variables of what engines in processes share', () => {
    const environment = {
      CHUNK_DEADLINE_SECONDS: '90',
      SPEECH_FAILURE_THRESHOLD: '0.25',
      SPEECH_HEALTH_MISSES: '2',
      FLITE_BREAKER_FAILURES: '3',
    };
    const manager = {
      circuitBreaker: { failureThreshold: 0.25 },
      health: { maxMisses: 2 },
      retry: { deadlineMs: 90_000 },
    };
    expect(force('espeak-ng', environment, manager)).toEqual(
      expect.arrayContaining([
        'deadline 90 s < CHUNK_DEADLINE_SECONDS',
        'breaker failure share 0.25 < SPEECH_FAILURE_THRESHOLD',
        'missed health checks 2 < SPEECH_HEALTH_MISSES',
      ]),
    );
    // So many in a row replace the share.
    expect(force('flite', environment, manager).join()).not.toContain('share');
    expect(force('chatterbox', environment, manager)).toContain('deadline 120 s');
  });
});
