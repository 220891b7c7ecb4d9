import { describe, expect, it } from 'vitest';
import { HEARTBEAT_LIFE_MS, type Heartbeat, heartbeatEndMs, parseHeartbeat } from './heartbeat.ts';

const voice = { id: 'slt', name: 'Clara', languages: ['en-US'] };
const engine = { name: 'flite', state: 'ready', languages: ['en'], voices: [voice] };
const body = { worker_id: 'w1', engines: [engine] };

const many = (count: number) => Array.from({ length: count }, (_, index) => ({ ...voice, id: `v${index}` }));

const parsed = (input: unknown): Heartbeat => {
  const result = parseHeartbeat(input);
  if (!result.ok) throw new Error(result.sentence);
  return result.value;
};

describe('parseHeartbeat', () => {
  it('reads everything that a worker may report', () => {
    const full = {
      worker_id: 'w1',
      engines: [
        {
          name: 'kokoro',
          state: 'unavailable',
          reason: 'ECONNREFUSED',
          error_type: 'network_unreachable',
          languages: ['en', 'fr'],
          clones_voices: true,
          breaker: 'OPEN',
          retry_at: 1_700_000_060_000,
          consecutive_failures: 5,
          last_failure_type: 'of_next_year',
          last_failure_at: 1_700_000_000_000,
          last_success_at: 1_600_000_000_000,
          voices: [{ ...voice, gender: 'female', accent: 'American', remark: 'even' }],
        },
      ],
      version: '1.2.3',
      state: 'protected',
      capacity: 4,
      queue_depth: 3,
      in_flight: 2,
      started_at: 1_700_000_000_000.5,
      expires_at: 1_700_000_300_000,
      something_else: { of: 'tomorrow' },
    };
    expect(parsed(full)).toEqual({
      workerId: 'w1',
      engines: [
        {
          name: 'kokoro',
          state: 'unavailable',
          reason: 'ECONNREFUSED',
          errorCode: 'network_unreachable',
          languages: ['en', 'fr'],
          clonesVoices: true,
          breaker: 'OPEN',
          retryAtMs: 1_700_000_060_000,
          consecutiveFailures: 5,
          lastFailureType: 'unknown',
          lastFailureAtMs: 1_700_000_000_000,
          lastSuccessAtMs: 1_600_000_000_000,
          voices: [{ ...voice, gender: 'female', accent: 'American', remark: 'even' }],
        },
      ],
      version: '1.2.3',
      state: 'protected',
      capacity: 4,
      queueDepth: 3,
      inFlight: 2,
      startedAtMs: 1_700_000_000_000.5,
      expiresAtMs: 1_700_000_300_000,
      leftOut: 0,
    });
  });

  it('counts null as absent', () => {
    const nulls = { reason: null, error_type: null, clones_voices: null, breaker: null, retry_at: null };
    const bare = { ...voice, gender: null, accent: null, remark: null };
    const heartbeat = parsed({
      ...body,
      engines: [{ ...engine, ...nulls, voices: [bare] }],
      version: null,
      state: null,
      capacity: null,
      queue_depth: null,
      in_flight: null,
      started_at: null,
      expires_at: null,
    });
    expect(heartbeat).toEqual(parsed(body));
    expect(heartbeat.engines[0]).toMatchObject({
      clonesVoices: false,
      reason: undefined,
      breaker: undefined,
    });
  });

  it('cuts what is more than its bound, and does not look at what it cuts', () => {
    const engines = Array.from({ length: 20 }, (_, index) => ({
      ...engine,
      name: `e${index}`,
      voices: many(30),
    }));
    const heartbeat = parsed({ ...body, engines: [...engines, 'the twenty-first'] });
    expect(heartbeat.engines).toHaveLength(20);
    expect(heartbeat.engines.flatMap(({ voices }) => voices)).toHaveLength(500);
    expect(heartbeat.engines[17]?.voices).toEqual([]);
    const one = parsed({ ...body, engines: [{ ...engine, voices: [...many(500), 7] }] });
    expect(one.engines[0]?.voices).toHaveLength(500);
    const long = parsed({ ...body, engines: [{ ...engine, reason: `${'x'.repeat(299)}🧶` }] });
    expect(long.engines[0]?.reason).toBe(`${'x'.repeat(299)}\ufffd`);
  });

  it('takes an engine once, and a code that it does not know for unknown', () => {
    const heartbeat = parsed({
      ...body,
      engines: [
        { ...engine, error_type: 'of_next_year' },
        { ...engine, state: 'degraded' },
      ],
    });
    expect(heartbeat.engines).toMatchObject([{ state: 'ready', errorCode: 'unknown' }]);
  });

  it('calls a voice without a name by its id, and lets it have no language of its own', () => {
    const heartbeat = parsed({ ...body, engines: [{ ...engine, voices: [{ id: 'v1', name: '' }] }] });
    expect(heartbeat.engines[0]?.voices).toMatchObject([{ id: 'v1', name: 'v1', languages: [] }]);
  });

  it.each([
    ['no object', 'slt'],
    ['null', null],
    ['without an id', {}],
    ['with an id that is none', { id: 7 }],
    ['with an empty id', { id: '' }],
    ['with a torn id', { id: 'a\ud800' }],
    ['with an id that is too long', { id: 'v'.repeat(201) }],
    ['with a name that is none', { id: 'v1', name: 7 }],
    ['with one language and no list', { id: 'v1', languages: 'en' }],
  ])('leaves out a voice %s, and keeps the others', (_, odd) => {
    const other = { ...engine, name: 'kokoro' };
    const heartbeat = parsed({ ...body, engines: [{ ...engine, voices: [voice, odd, ...many(2)] }, other] });
    expect(heartbeat.engines.map(({ voices }) => voices.map(({ id }) => id))).toEqual([
      ['slt', 'v0', 'v1'],
      ['slt'],
    ]);
    expect(heartbeat.leftOut).toBe(1);
  });

  it('leaves out odd language tags, and keeps their voices and engines', () => {
    const tags = ['en', 1, '', 'x'.repeat(36), 'de\ud800', null, 'fr'];
    const heartbeat = parsed({
      ...body,
      engines: [{ ...engine, languages: tags, voices: [{ ...voice, languages: tags }, 7] }],
    });
    expect(heartbeat.engines).toMatchObject([
      { languages: ['en', 'fr'], voices: [{ languages: ['en', 'fr'] }] },
    ]);
    expect(heartbeat.leftOut).toBe(11);
  });

  it('counts odd voices towards the bound', () => {
    const voices = [...Array.from({ length: 499 }, () => 7), ...many(20)];
    const heartbeat = parsed({ ...body, engines: [{ ...engine, voices }] });
    expect(heartbeat.engines[0]?.voices).toMatchObject([{ id: 'v0' }]);
    expect(heartbeat.leftOut).toBe(499);
  });

  it.each([
    [[], 'body', 'must be a JSON object'],
    [{ engines: [] }, 'worker_id', 'is required'],
    [{ ...body, worker_id: 7 }, 'worker_id', 'must be a string'],
    [{ ...body, worker_id: 'a/b' }, 'worker_id', 'must not contain a slash'],
    [{ ...body, worker_id: 'w'.repeat(201) }, 'worker_id', 'must be at most 200 characters'],
    [{ worker_id: 'w1' }, 'engines', 'is required'],
    [{ ...body, engines: {} }, 'engines', 'must be a list'],
    [{ ...body, engines: [null] }, 'engines.0', 'must be an object'],
    [{ ...body, engines: [{ ...engine, name: undefined }] }, 'engines.0.name', 'is required'],
    [{ ...body, engines: [{ ...engine, name: 5 }] }, 'engines.0.name', 'must be a string'],
    [
      { ...body, engines: [{ ...engine, name: '__flite__' }] },
      'engines.0.name',
      'must not start and end with two underscores',
    ],
    [
      { ...body, engines: [{ ...engine, state: 'well' }] },
      'engines.0.state',
      'must be one of ready, degraded, unavailable',
    ],
    [
      { ...body, engines: [{ ...engine, breaker: 'open' }] },
      'engines.0.breaker',
      'must be one of CLOSED, OPEN, HALF_OPEN, ISOLATED',
    ],
    [
      { ...body, engines: [engine, { ...engine, retry_at: 'soon' }] },
      'engines.1.retry_at',
      'must be a number',
    ],
    [
      { ...body, engines: [{ ...engine, retry_at: 1e15 }] },
      'engines.0.retry_at',
      'must be unix milliseconds',
    ],
    [{ ...body, engines: [{ ...engine, languages: 'en' }] }, 'engines.0.languages', 'must be a list'],
    [{ ...body, engines: [{ ...engine, voices: null }] }, 'engines.0.voices', 'must be a list'],
    [
      { ...body, engines: [{ ...engine, clones_voices: 1 }] },
      'engines.0.clones_voices',
      'must be true or false',
    ],
    [{ ...body, state: 'asleep' }, 'state', 'must be one of starting, ready, degraded, protected, stopping'],
    [{ ...body, queue_depth: -1 }, 'queue_depth', 'must not be negative'],
    [{ ...body, started_at: Number.POSITIVE_INFINITY }, 'started_at', 'must be a number'],
  ])('refuses %j and names what is wrong', (input, field, words) => {
    expect(parseHeartbeat(input)).toEqual({ ok: false, field, sentence: `${field}: ${words}` });
  });
});

describe('heartbeatEndMs', () => {
  it.each([
    ['five minutes where the worker names no time', undefined, 1_000 + HEARTBEAT_LIFE_MS],
    ['the time of the worker', 61_000, 61_000],
    ['at most five minutes', 10 * HEARTBEAT_LIFE_MS, 1_000 + HEARTBEAT_LIFE_MS],
    ['at least ten seconds, because a clock may be late', 5, 11_000],
  ])('is %s', (_, expiresAtMs, expected) => {
    expect(heartbeatEndMs({ expiresAtMs }, 1_000)).toBe(expected);
  });
});
