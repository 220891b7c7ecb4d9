import { parseHeartbeat } from '@taleback/core';
import type { Sendable, TryOutcome } from '@taleback/outbox';
import { createFakeClock } from '@taleback/resilience/testing';
import type { EngineStatus } from '@taleback/speech/operations';
import { describe, expect, it } from 'vitest';
import { startHeartbeats, type WorkerSnapshot } from './heartbeats.ts';

const START_MS = 1_700_000_000_000;
const SECOND_MS = 1_000;
const ACCEPTED: TryOutcome = { kind: 'accepted' };
const AWAY: TryOutcome = { kind: 'unanswered', cause: 'ECONNREFUSED' };
const answered = (status: number, retryAfter?: string): TryOutcome => ({
  kind: 'not-accepted',
  status,
  retryAfter,
  excerpt: 'words',
});

const engine = (fields: Partial<EngineStatus> = {}): EngineStatus => ({
  name: 'flite',
  state: 'ready',
  languages: ['en'],
  voices: [{ id: 'slt', name: 'Clara', languages: ['en-US'] }],
  ...fields,
});

const setup = (
  answer: () => TryOutcome | Promise<TryOutcome> = () => ACCEPTED,
  draw: () => WorkerSnapshot = () => ({ engines: [engine()], state: 'ready' }),
) => {
  const clock = createFakeClock(START_MS);
  const sent: { readonly atMs: number; readonly message: Sendable; readonly body: unknown }[] = [];
  const logged: string[] = [];
  const answers: string[] = [];
  const world = { answer, draw };
  const heartbeats = startHeartbeats({
    url: 'http://127.0.0.1:9/api/tts/heartbeat',
    workerId: 'host.1',
    snapshot: () => world.draw(),
    sendOnce: async (message, signal) => {
      const body: unknown = JSON.parse(Buffer.from(message.body).toString());
      sent.push({ atMs: clock.now() - START_MS, message, body });
      const gone = new Promise<TryOutcome>((resolve) => {
        signal?.addEventListener('abort', () =>
          resolve({ kind: 'unanswered', cause: String(signal.reason) }),
        );
      });
      return Promise.race([world.answer(), gone]);
    },
    onAnswer: async (text) => void answers.push(text),
    clock,
    log: (severity, message) => void logged.push(`${severity}: ${message}`),
  });
  return {
    clock,
    sent,
    answers,
    logged,
    world,
    heartbeats,
    times: () => sent.map(({ atMs }) => atMs / SECOND_MS),
  };
};

const never = (): Promise<TryOutcome> => new Promise(() => {});

describe('heartbeats', () => {
  it('are sent on start, and every minute while nothing changes', async () => {
    const { clock, times, sent, logged } = setup();
    await clock.advanceAsync(185 * SECOND_MS);
    expect(times()).toEqual([0, 60, 120, 180]);
    expect(sent[0]?.body).toEqual({
      worker_id: 'host.1',
      version: null,
      state: 'ready',
      engines: [
        {
          name: 'flite',
          state: 'ready',
          reason: null,
          error_type: null,
          languages: ['en'],
          clones_voices: null,
          breaker: null,
          retry_at: null,
          consecutive_failures: null,
          last_failure_type: null,
          last_failure_at: null,
          last_success_at: null,
          voices: [{ id: 'slt', name: 'Clara', languages: ['en-US'], is_private: false }],
        },
      ],
      capacity: null,
      queue_depth: null,
      in_flight: null,
      started_at: null,
      expires_at: START_MS + 300 * SECOND_MS,
      deletions_after: null,
    });
    expect(sent.map(({ body }) => parseHeartbeat(body).ok)).not.toContain(false);
    const ids = sent.map(({ message }) => message.messageId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.join('')).not.toContain('.');
    expect(logged).toEqual(['info: heartbeat accepted']);
  });

  it('report news within five seconds, and never more often', async () => {
    const { clock, times, world } = setup();
    await clock.advanceAsync(21 * SECOND_MS);
    world.draw = () => ({ engines: [engine({ state: 'degraded' })] });
    await clock.advanceAsync(4 * SECOND_MS);
    expect(times()).toEqual([0, 25]);
    world.draw = () => ({ engines: [engine({ state: 'unavailable', breaker: 'OPEN', retryAtMs: 5 })] });
    await clock.advanceAsync(2 * SECOND_MS);
    world.draw = () => ({ engines: [engine()] });
    await clock.advanceAsync(10 * SECOND_MS);
    expect(times()).toEqual([0, 25, 30]);
  });

  it('pass their answers on, and ask for further deletions as soon as some are applied', async () => {
    let place = 0;
    const { clock, times, world, sent, answers } = setup(
      () => ({ kind: 'accepted', excerpt: '{"commands":[]}' }),
      () => ({ engines: [engine()], state: 'ready', deletionsAfter: `${place}:` }),
    );
    await clock.settle();
    place = 1;
    await clock.advanceAsync(6 * SECOND_MS);
    expect(times()).toEqual([0, 5]);
    expect(sent.map(({ body }) => (body as { deletions_after: string }).deletions_after)).toEqual([
      '0:',
      '1:',
    ]);
    expect(answers[0]).toBe('{"commands":[]}');
    world.answer = () => answered(401);
    await clock.advanceAsync(60 * SECOND_MS);
    expect(answers).toHaveLength(2);
  });

  it('do not count load as news, and send it along', async () => {
    const { clock, times, world, sent } = setup();
    await clock.settle();
    const load = { queueDepth: 7, inFlight: 2, startedAtMs: START_MS };
    const lastFailure = { code: 'timed_out', message: 'It took too long.', atMs: 7 } as const;
    const counts = { consecutiveFailures: 1, lastFailure, lastSuccessAtMs: 6 };
    world.draw = () => ({ engines: [engine(counts)], state: 'ready', ...load });
    await clock.advanceAsync(60 * SECOND_MS);
    expect(times()).toEqual([0, 60]);
    expect(sent[1]?.body).toMatchObject({ queue_depth: 7, in_flight: 2, started_at: START_MS });
    expect(sent[1]?.body).toMatchObject({
      engines: [
        { consecutive_failures: 1, last_failure_type: 'timed_out', last_failure_at: 7, last_success_at: 6 },
      ],
    });
  });

  it('are sent less often to a receiver that is away, and each change of outcome is logged once', async () => {
    const { clock, times, world, logged } = setup(() => AWAY);
    await clock.advanceAsync(300 * SECOND_MS);
    expect(times()).toEqual([0, 5, 15, 35, 75, 135, 195, 255]);
    world.answer = () => answered(503);
    await clock.advanceAsync(120 * SECOND_MS);
    world.answer = () => ACCEPTED;
    await clock.advanceAsync(180 * SECOND_MS);
    expect(logged).toEqual([
      'warn: heartbeat not accepted',
      'warn: heartbeat not accepted',
      'info: heartbeat accepted again',
    ]);
  });

  it('are open while the last one was accepted', async () => {
    const { clock, heartbeats, world } = setup();
    expect(heartbeats.health()).toMatchObject({ open: false, failures: 0 });
    await clock.settle();
    const open = { open: true, sinceMs: START_MS, failures: 0 };
    expect(heartbeats.health()).toEqual(open);
    world.answer = () => AWAY;
    await clock.advanceAsync(75 * SECOND_MS);
    expect(heartbeats.health()).toEqual({
      open: false,
      sinceMs: START_MS + 60 * SECOND_MS,
      failures: 3,
      reason: 'Heartbeats are not accepted: ECONNREFUSED.',
    });
    world.answer = () => ACCEPTED;
    await clock.advanceAsync(60 * SECOND_MS);
    expect(heartbeats.health()).toMatchObject({ open: true, failures: 3 });
  });

  it.each([
    ['a receiver that has no such route', answered(404), [0, 60, 120]],
    ['a Retry-After', answered(429, '30'), [0, 30, 60, 90, 130]],
    ['a Retry-After beyond reason', answered(503, '86400'), [0, 60, 120]],
    ['an address that is not posted to', { kind: 'address-refused', cause: 'private' }, [0, 60, 120]],
  ] as const)('obey %s', async (_, outcome, expected) => {
    const { clock, times } = setup(() => outcome);
    await clock.advanceAsync(130 * SECOND_MS);
    expect(times()).toEqual(expected);
  });

  it('wait ten seconds for an answer', async () => {
    const { clock, times, world } = setup(never);
    await clock.advanceAsync(9 * SECOND_MS);
    expect(times()).toEqual([0]);
    world.answer = () => ACCEPTED;
    await clock.advanceAsync(6 * SECOND_MS);
    expect(times()).toEqual([0, 15]);
  });

  it('survive a snapshot that cannot be made, and log it once', async () => {
    const { clock, times, world, logged } = setup(undefined, () => {
      throw new Error('no manager yet');
    });
    await clock.advanceAsync(30 * SECOND_MS);
    expect(times()).toEqual([]);
    world.draw = () => ({ engines: [engine()] });
    await clock.advanceAsync(5 * SECOND_MS);
    expect(times()).toHaveLength(1);
    expect(logged).toEqual(['warn: heartbeat not accepted', 'info: heartbeat accepted again']);
  });

  it('say once that the worker stops, and nothing afterwards', async () => {
    const { clock, heartbeats, sent, world } = setup();
    await clock.settle();
    const closed = heartbeats.close();
    expect(heartbeats.close()).toBe(closed);
    await closed;
    world.draw = () => ({ engines: [] });
    await clock.advanceAsync(120 * SECOND_MS);
    expect(sent.map(({ body }) => (body as { state: string }).state)).toEqual(['ready', 'stopping']);
    expect(sent[1]?.body).toMatchObject({ engines: [{ name: 'flite' }] });
    expect(clock.pendingTimers).toBe(0);
  });

  it('do not report the stop of a worker that no receiver knows', async () => {
    const { clock, heartbeats, sent } = setup(() => AWAY);
    await clock.settle();
    await heartbeats.close();
    expect(sent).toHaveLength(1);
  });

  it('do not delay a stop for a receiver that does not answer', async () => {
    const { clock, heartbeats, sent, world } = setup();
    await clock.settle();
    world.answer = never;
    world.draw = () => ({ engines: [] });
    await clock.advanceAsync(6 * SECOND_MS);
    const closed = heartbeats.close();
    await clock.advanceAsync(2 * SECOND_MS);
    await closed;
    expect(sent).toHaveLength(3);
  });
});
