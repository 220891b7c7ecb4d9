import { type ErrorCode, isTalebackError, TalebackError } from '@taleback/core';
import { edge, elevenlabs, guarded, kokoro, type ResilienceProfile } from '@taleback/resilience';
import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import type { Pcm } from '../audio/pcm.ts';
import type { RemoteEngine, SpeechChunk } from '../engines/engine.ts';
import { parseManagerConfig } from './pool-config.ts';
import type { SynthesisEvent } from './speech-line.ts';
import { RemoteLine } from './remote-line.ts';

const SOUND: Pcm = { sampleRateHz: 1_000, samples: new Int16Array(500).fill(3_000) };
const CHUNK: SpeechChunk = { text: 'Hello there.', voiceId: 'v' };

interface Staged {
  readonly policy?: ResilienceProfile;
  /** What the n-th request comes to, 1-based; undefined is sound. */
  readonly speak?: (call: number, signal: AbortSignal | undefined) => Promise<Pcm> | ErrorCode | undefined;
  readonly probe?: () => Promise<{ details: string; model?: string; latencyMs: number }>;
}

const fault = (code: ErrorCode, retryAfterMs?: number): TalebackError =>
  new TalebackError(code, `It was ${code}.`, retryAfterMs === undefined ? {} : { retryAfterMs });

const codeOf = (spoken: Promise<Pcm>): Promise<string> =>
  spoken.then(
    () => 'spoken',
    (error: unknown) => (isTalebackError(error) ? error.code : `untyped: ${String(error)}`),
  );

const openHarness = ({ policy = kokoro, speak = () => undefined, probe }: Staged = {}) => {
  const clock = createFakeClock(1_000_000);
  const events: SynthesisEvent[] = [];
  const logged: string[] = [];
  const failures: ErrorCode[] = [];
  const state = { calls: 0, underway: 0, most: 0 };
  const engine: RemoteEngine = {
    name: 'service',
    languages: ['en'],
    voices: () => [{ id: 'v', name: 'V', languages: ['en'] }],
    prepareText: (text) => text,
    concurrency: 3,
    policy,
    endpoint: 'http://127.0.0.1:1',
    probe: probe ?? (async () => ({ details: 'well', latencyMs: 1 })),
    synthesizeChunk: async (_chunk, options) => {
      state.calls += 1;
      state.underway += 1;
      state.most = Math.max(state.most, state.underway);
      try {
        const end = speak(state.calls, options?.signal);
        if (typeof end === 'string') throw fault(end);
        return (await end) ?? SOUND;
      } finally {
        state.underway -= 1;
      }
    },
  };
  const line = new RemoteLine(engine, {
    config: parseManagerConfig(),
    clock,
    random: () => 1 - Number.EPSILON,
    log: (severity, message) => logged.push(`${severity}: ${message}`),
    publish: (event) => events.push(event),
    onServiceFailure: ({ code }) => failures.push(code),
  });
  return { line, clock, events, logged, failures, state };
};

const never = (signal: AbortSignal | undefined): Promise<Pcm> =>
  new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));

describe('RemoteLine', () => {
  it('speaks, and reports it as a worker would', async () => {
    const { line, events, clock } = openHarness();
    await line.start();
    expect(await line.speak(CHUNK)).toBe(SOUND);
    expect(
      events.map((event) => ('outcome' in event ? `${event.kind} ${event.outcome}` : event.kind)),
    ).toEqual(['accepted', 'dispatched', 'attempt-ended spoken', 'ended spoken']);
    expect(line.snapshot()).toMatchObject({
      mode: 'remote',
      workers: [{ id: 'service', state: 'READY', breaker: 'CLOSED', jobsDone: 1, successRate: 1 }],
    });
    await line.close();
    await clock.advanceAsync(0);
  });

  it('retries after 1, 2 and 4 seconds, then fails with the service’s own error', async () => {
    const { line, clock, state, failures } = openHarness({ speak: () => 'provider_unavailable' });
    const end = codeOf(line.speak(CHUNK));
    for (const [waitMs, calls] of [
      [0, 1],
      [1_000, 2],
      [2_000, 3],
      [4_000, 4],
    ] as const) {
      await clock.advanceAsync(waitMs);
      expect(state.calls).toBe(calls);
    }
    expect(await end).toBe('provider_unavailable');
    expect(failures).toEqual(['provider_unavailable']);
  });

  it.each<ErrorCode>([
    'provider_rejected',
    'credentials_invalid',
    'provider_quota_exceeded',
    'voice_not_found',
    'text_too_long',
  ])('never retries %s', async (code) => {
    const { line, state } = openHarness({ speak: () => code });
    expect(await codeOf(line.speak(CHUNK))).toBe(code);
    expect(state.calls).toBe(1);
  });

  it('leaves a service open for others when its sound does not fit one text', async () => {
    const { line, clock, state } = openHarness({ speak: () => 'audio_implausible' });
    const ends = [1, 2, 3].map(() => codeOf(line.speak(CHUNK)));
    await clock.advanceAsync(60_000);
    expect(await Promise.all(ends)).toEqual(Array(3).fill('audio_implausible'));
    expect(state.calls).toBeGreaterThan(5);
    expect(line.snapshot().workers[0]).toMatchObject({ breaker: 'CLOSED' });
  });

  it('believes a service that speaks more than a look that failed', async () => {
    const { line } = openHarness({ probe: () => Promise.reject(fault('network_unreachable')) });
    await line.start();
    expect(line.snapshot().workers[0]).toMatchObject({ state: 'UNHEALTHY' });
    await line.speak(CHUNK);
    expect(line.snapshot().workers[0]).toMatchObject({ state: 'READY' });
    await line.close();
  });

  it('tells which model the service says that it has', async () => {
    const { line } = openHarness({
      probe: async () => ({ details: 'kokoro 1.0; 9 voices', model: 'kokoro 1.0', latencyMs: 1 }),
    });
    await line.start();
    expect(line.snapshot().workers[0]).toMatchObject({ model: 'kokoro 1.0' });
    await line.close();
  });

  it('waits as long as the service asks', async () => {
    const { line, clock, state } = openHarness({
      policy: elevenlabs,
      speak: (call) => (call === 1 ? Promise.reject(fault('provider_rate_limited', 9_000)) : undefined),
    });
    const end = codeOf(line.speak(CHUNK));
    await clock.advanceAsync(8_999);
    expect(state.calls).toBe(1);
    await clock.advanceAsync(1);
    expect(await end).toBe('spoken');
  });

  it('three at once, the others wait', async () => {
    const gates: (() => void)[] = [];
    const { line, state } = openHarness({
      speak: () => new Promise((resolve) => gates.push(() => resolve(SOUND))),
    });
    const all = Array.from({ length: 8 }, () => line.speak(CHUNK));
    await Promise.resolve();
    expect(line.snapshot()).toMatchObject({ queueDepth: 5, inFlight: 3 });
    while (gates.length > 0) {
      for (const open of gates.splice(0)) open();
      await new Promise(setImmediate);
    }
    await Promise.all(all);
    expect(state.most).toBe(3);
  });

  it('gives up on a service that hangs, and aborts the request', async () => {
    const { line, clock, events } = openHarness({
      policy: { ...kokoro, retry: { ...kokoro.retry, maxAttempts: 1 } },
      speak: (_call, signal) => never(signal),
    });
    const end = codeOf(line.speak(CHUNK));
    await clock.advanceAsync(60_000);
    expect(await end).toBe('timed_out');
    expect(events).toContainEqual(expect.objectContaining({ kind: 'attempt-ended', code: 'timed_out' }));
  });

  it('a service that begins to hang gets 60 s for all attempts at a text, and never more', async () => {
    const state = { hangs: false };
    const gaveMs: number[] = [];
    const { line, clock } = openHarness({
      speak: (_call, signal) => {
        if (!state.hangs) return undefined;
        const sentAtMs = clock.now();
        signal?.addEventListener('abort', () => gaveMs.push(clock.now() - sentAtMs));
        return never(signal);
      },
    });
    for (let count = 0; count < 10; count += 1) await line.speak(CHUNK);
    state.hangs = true;
    const first = codeOf(line.speak(CHUNK));
    await clock.advanceAsync(59_999);
    expect(line.snapshot().inFlight).toBe(1);
    await clock.advanceAsync(1);
    expect(await first).toBe('timed_out');
    expect(line.snapshot().workers[0]?.breaker).toBe('CLOSED');
    const second = codeOf(line.speak(CHUNK));
    await clock.advanceAsync(60_000);
    expect(await second).toBe('timed_out');
    expect(gaveMs).toEqual([15_000, 30_000, 12_000, 15_000, 30_000]);
    expect(line.snapshot().workers[0]).toMatchObject({ breaker: 'OPEN', lastFailure: { code: 'timed_out' } });
  });

  it('keeps its deadline while it would wait for the rate limit', async () => {
    const { line, clock, state } = openHarness({
      policy: { ...guarded, rateLimit: { ...guarded.rateLimit, permits: 1 } },
      speak: (_call, signal) => never(signal),
    });
    const end = codeOf(line.speak(CHUNK));
    await clock.advanceAsync(60_000);
    expect([await end, state.calls]).toEqual(['timed_out', 1]);
  });

  it('five failures open the breaker, which refuses at once and lets a trial through after 60 s', async () => {
    const state = { isAway: true };
    const {
      line,
      clock,
      state: seen,
    } = openHarness({
      policy: { ...kokoro, retry: { ...kokoro.retry, maxAttempts: 1 } },
      speak: () => (state.isAway ? 'network_unreachable' : undefined),
    });
    for (let count = 0; count < 5; count += 1) await codeOf(line.speak(CHUNK));
    await expect(line.speak(CHUNK)).rejects.toMatchObject({ code: 'circuit_open', retryAfterMs: 60_000 });
    expect(line.snapshot().workers[0]).toMatchObject({ breaker: 'OPEN', retryAtMs: clock.now() + 60_000 });
    expect(seen.calls).toBe(5);
    state.isAway = false;
    await clock.advanceAsync(60_000);
    expect(await codeOf(line.speak(CHUNK))).toBe('spoken');
    expect(line.snapshot().workers[0]?.breaker).toBe('HALF_OPEN');
    expect(await codeOf(line.speak(CHUNK))).toBe('spoken');
    expect(line.snapshot().workers[0]?.breaker).toBe('CLOSED');
  });

  it('lets the others wait while one tries out whether the service is back', async () => {
    const state = { isAway: true };
    const { line, clock } = openHarness({
      policy: { ...kokoro, retry: { ...kokoro.retry, maxAttempts: 1 } },
      speak: () =>
        state.isAway ? 'network_unreachable' : new Promise((resolve) => setImmediate(() => resolve(SOUND))),
    });
    for (let count = 0; count < 5; count += 1) await codeOf(line.speak(CHUNK));
    state.isAway = false;
    await clock.advanceAsync(60_000);
    const ends = Array.from({ length: 3 }, () => codeOf(line.speak(CHUNK)));
    for (let turn = 0; turn < 6; turn += 1) {
      await new Promise(setImmediate);
      await clock.advanceAsync(1_000);
    }
    expect(await Promise.all(ends)).toEqual(['spoken', 'spoken', 'spoken']);
  });

  it('finds out with a short text that the service is back', async () => {
    const state = { isAway: true };
    const {
      line,
      clock,
      state: seen,
    } = openHarness({
      policy: { ...kokoro, retry: { ...kokoro.retry, maxAttempts: 1 } },
      speak: () => (state.isAway ? 'network_unreachable' : undefined),
    });
    await line.start();
    for (let count = 0; count < 5; count += 1) await codeOf(line.speak(CHUNK));
    state.isAway = false;
    await clock.advanceAsync(120_000);
    expect(line.snapshot().workers[0]?.breaker).toBe('CLOSED');
    expect(seen.calls).toBe(7);
    await line.close();
  });

  it('what is wrong with the story does not open it', async () => {
    const { line } = openHarness({ policy: edge, speak: () => 'text_not_speakable' });
    for (let count = 0; count < 9; count += 1) await codeOf(line.speak(CHUNK));
    expect(line.snapshot().workers[0]).toMatchObject({ breaker: 'CLOSED', consecutiveFailures: 0 });
  });

  it('ten a minute; the eleventh waits for its turn', async () => {
    const { line, clock, state } = openHarness({ policy: guarded });
    const ends = Array.from({ length: 11 }, () => codeOf(line.speak(CHUNK)));
    await clock.advanceAsync(59_000);
    expect(state.calls).toBe(10);
    await clock.advanceAsync(1_000);
    expect(await Promise.all(ends)).toEqual(Array.from({ length: 11 }, () => 'spoken'));
  });

  it('ends what its caller gave up, wherever it is', async () => {
    const { line, failures } = openHarness({ speak: (_call, signal) => never(signal) });
    const stop = new AbortController();
    const ends = Array.from({ length: 5 }, () => codeOf(line.speak(CHUNK, { signal: stop.signal })));
    await Promise.resolve();
    stop.abort();
    expect(await Promise.all(ends)).toEqual(Array.from({ length: 5 }, () => 'job_cancelled'));
    expect(failures).toEqual([]);
    expect(line.snapshot()).toMatchObject({ inFlight: 0, queueDepth: 0 });
  });

  it('finishes what it has when it is closed, for a while, and takes no more', async () => {
    const { line, clock } = openHarness({ speak: (_call, signal) => never(signal) });
    const end = codeOf(line.speak(CHUNK));
    await Promise.resolve();
    const closed = line.close(5_000);
    expect(await codeOf(line.speak(CHUNK))).toBe('job_cancelled');
    await clock.advanceAsync(5_000);
    await closed;
    expect(await end).toBe('job_cancelled');
  });

  it('starts although the service is away, and says when it is back', async () => {
    const state = { isAway: true };
    const { line, clock, logged } = openHarness({
      probe: () =>
        state.isAway ? Promise.reject(fault('dns_failed')) : Promise.resolve({ details: 'v1', latencyMs: 3 }),
    });
    await line.start();
    expect(line.snapshot().workers[0]).toMatchObject({ state: 'UNHEALTHY', fault: { code: 'dns_failed' } });
    state.isAway = false;
    await clock.advanceAsync(15_000);
    expect(line.snapshot().workers[0]?.state).toBe('READY');
    expect(logged).toEqual(['warn: TTS service is unavailable', 'info: TTS service is available']);
    await line.close();
  });

  it('a service that lists its voices and does not speak is not available; its breaker counts each word', async () => {
    const state = { speaks: false };
    const {
      line,
      clock,
      logged,
      state: seen,
      events,
    } = openHarness({
      speak: () => (state.speaks ? undefined : 'audio_missing'),
    });
    await line.start();
    expect(line.snapshot().workers[0]).toMatchObject({
      state: 'UNHEALTHY',
      fault: { code: 'audio_missing' },
      consecutiveFailures: 1,
      lastFailure: { code: 'audio_missing', atMs: 1_000_000 },
    });
    await clock.advanceAsync(60_000);
    expect(line.snapshot().workers[0]).toMatchObject({ breaker: 'OPEN', consecutiveFailures: 5 });
    state.speaks = true;
    await clock.advanceAsync(75_000);
    expect(line.snapshot().workers[0]).toMatchObject({
      state: 'READY',
      breaker: 'CLOSED',
      consecutiveFailures: 0,
      lastSuccessAtMs: clock.now(),
    });
    expect([seen.calls, events.some(({ kind }) => kind === 'accepted')]).toEqual([7, false]);
    expect(logged).toEqual(['warn: TTS service is unavailable', 'info: TTS service is available']);
    await line.close();
  });

  it('speaks a word when it is tested, which its breaker counts, but not twice at once', async () => {
    const { line, clock, state } = openHarness({ speak: (call) => (call > 1 ? 'model_failed' : undefined) });
    await line.start();
    await clock.advanceAsync(5_000);
    await Promise.all([line.test(), line.test()]);
    expect(state.calls).toBe(2);
    expect(line.snapshot().workers[0]).toMatchObject({
      state: 'UNHEALTHY',
      consecutiveFailures: 1,
      lastFailure: { code: 'model_failed' },
      lastSuccessAtMs: 1_000_000,
    });
    await line.close();
  });

  it('forgets what its breaker counted when it is reset', async () => {
    const { line, clock } = openHarness({ speak: () => 'provider_unavailable' });
    const end = codeOf(line.speak(CHUNK));
    await clock.advanceAsync(10_000);
    await end;
    expect(line.snapshot().workers[0]).toMatchObject({ consecutiveFailures: 4, successRate: 0 });
    line.resetBreakers();
    const { consecutiveFailures, successRate, lastFailure, breaker } = line.snapshot().workers[0] ?? {};
    expect({ consecutiveFailures, successRate, lastFailure, breaker }).toEqual({
      consecutiveFailures: 0,
      successRate: 1,
      lastFailure: undefined,
      breaker: 'CLOSED',
    });
  });

  it('publishes what its breaker does, and what it rejects', async () => {
    const { line, clock, events } = openHarness({
      policy: { ...kokoro, retry: { ...kokoro.retry, maxAttempts: 1 } },
      speak: () => 'provider_unavailable',
    });
    for (let count = 0; count < 6; count += 1) await codeOf(line.speak(CHUNK));
    expect(events.filter(({ kind }) => kind.startsWith('breaker'))).toMatchObject([
      { kind: 'breaker-changed', workerId: 'service', to: 'open', consecutiveFailures: 5 },
      { kind: 'breaker-rejected', engine: 'service', retryAfterMs: 60_000 },
    ]);
    await clock.settle();
  });

  it('looks at a service that failed at a chunk before it is time', async () => {
    const state = { isAway: false };
    const { line, clock } = openHarness({
      speak: () => (state.isAway ? 'provider_rejected' : undefined),
      probe: () =>
        state.isAway ? Promise.reject(fault('tls_failed')) : Promise.resolve({ details: 'v1', latencyMs: 3 }),
    });
    await line.start();
    state.isAway = true;
    await clock.advanceAsync(6_000);
    await codeOf(line.speak(CHUNK));
    await clock.advanceAsync(0);
    expect(line.snapshot().workers[0]?.fault?.code).toBe('tls_failed');
    await line.close();
  });

  it('gives a look five seconds', async () => {
    const { line, clock } = openHarness({ probe: () => new Promise(() => {}) });
    const started = line.start();
    await clock.advanceAsync(5_000);
    await started;
    expect(line.snapshot().workers[0]?.fault?.code).toBe('timed_out');
    await line.close();
  });
});
