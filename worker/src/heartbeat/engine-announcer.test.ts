import { parseEnginesReport } from '@taleback/core';
import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import type { Sendable, TryOutcome } from '@taleback/outbox/src/callbacks-index.ts';
import type { EnginePicture } from '@taleback/speech/src/status/index.ts';
import { createEngineAnnouncer } from './engine-announcer.ts';
import type { EnginesPicture } from './engines-picture.ts';

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

const engine = (fields: Partial<EnginePicture> = {}): EnginePicture => ({
  name: 'flite',
  state: 'ready',
  languages: ['en'],
  voices: [{ id: 'slt', name: 'Clara', languages: ['en-US'] }],
  ...fields,
});

const setup = (answer: () => TryOutcome | Promise<TryOutcome> = () => ACCEPTED) => {
  const clock = createFakeClock(START_MS);
  const sent: { readonly atMs: number; readonly message: Sendable; readonly body: unknown }[] = [];
  const logged: string[] = [];
  const world = {
    answer,
    picture: { engines: [engine()], state: 'ready' } as EnginesPicture,
    draw: (): EnginesPicture => world.picture,
  };
  const announcer = createEngineAnnouncer({
    url: 'http://127.0.0.1:9/api/tts/engines',
    workerId: 'host.1',
    picture: () => world.draw(),
    sendOnce: async (message, signal) => {
      sent.push({
        atMs: clock.now() - START_MS,
        message,
        body: JSON.parse(Buffer.from(message.body).toString()),
      });
      const gone = new Promise<TryOutcome>((resolve) => {
        signal?.addEventListener('abort', () =>
          resolve({ kind: 'unanswered', cause: String(signal.reason) }),
        );
      });
      return Promise.race([world.answer(), gone]);
    },
    clock,
    log: (severity, message) => void logged.push(`${severity}: ${message}`),
  });
  return { clock, sent, logged, world, announcer, times: () => sent.map(({ atMs }) => atMs / SECOND_MS) };
};

const never = (): Promise<TryOutcome> => new Promise(() => {});

describe('the engine announcer', () => {
  it('tells on start, and every minute while nothing changes', async () => {
    const { clock, announcer, times, sent, logged } = setup();
    announcer.start();
    announcer.start();
    await clock.advanceAsync(185 * SECOND_MS);
    expect(times()).toEqual([0, 60, 120, 180]);
    expect(sent[0]?.body).toEqual({
      worker_id: 'host.1',
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
          voices: [{ id: 'slt', name: 'Clara', languages: ['en-US'] }],
        },
      ],
      state: 'ready',
      queue_depth: null,
      in_flight: null,
      started_at: null,
    });
    expect(sent.map(({ body }) => parseEnginesReport(body).ok)).not.toContain(false);
    const ids = sent.map(({ message }) => message.messageId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.join('')).not.toContain('.');
    expect(logged).toEqual(['info: engines told']);
  });

  it('tells news at once when it is asked to look, otherwise within five seconds, and never more often', async () => {
    const { clock, announcer, times, world } = setup();
    announcer.start();
    await clock.advanceAsync(21 * SECOND_MS);
    world.picture = { engines: [engine({ state: 'degraded' })] };
    announcer.look();
    await clock.settle();
    expect(times()).toEqual([0, 21]);
    world.picture = { engines: [engine({ state: 'unavailable', breaker: 'OPEN', retryAtMs: 5 })] };
    announcer.look();
    await clock.advanceAsync(SECOND_MS);
    world.picture = { engines: [engine()] };
    announcer.look();
    await clock.advanceAsync(10 * SECOND_MS);
    expect(times()).toEqual([0, 21, 26]);
    world.picture = { engines: [engine({ state: 'degraded' })] };
    await clock.advanceAsync(5 * SECOND_MS);
    expect(times()).toHaveLength(4);
  });

  it('does not count what waits and is worked on as news, and tells it along', async () => {
    const { clock, announcer, times, world, sent } = setup();
    announcer.start();
    await clock.settle();
    world.picture = { ...world.picture, queueDepth: 7, inFlight: 2, startedAtMs: START_MS };
    await clock.advanceAsync(60 * SECOND_MS);
    expect(times()).toEqual([0, 60]);
    expect(sent[1]?.body).toMatchObject({ queue_depth: 7, in_flight: 2, started_at: START_MS });
  });

  it('leaves a receiver that is away alone for longer and longer, and logs each change of outcome once', async () => {
    const { clock, announcer, times, world, logged } = setup(() => AWAY);
    announcer.start();
    await clock.advanceAsync(300 * SECOND_MS);
    expect(times()).toEqual([0, 5, 15, 35, 75, 135, 195, 255]);
    world.answer = () => answered(503);
    await clock.advanceAsync(120 * SECOND_MS);
    world.answer = () => ACCEPTED;
    await clock.advanceAsync(180 * SECOND_MS);
    expect(logged).toEqual(['warn: engines not told', 'warn: engines not told', 'info: engines told again']);
  });

  it.each([
    ['a receiver that has no such route', answered(404), [0, 60, 120]],
    ['a wish to be left alone', answered(429, '30'), [0, 30, 60, 90, 130]],
    ['a wish beyond reason', answered(503, '86400'), [0, 60, 120]],
    ['an address that is not posted to', { kind: 'address-refused', cause: 'private' }, [0, 60, 120]],
  ] as const)('obeys %s', async (_, outcome, expected) => {
    const { clock, announcer, times } = setup(() => outcome);
    announcer.start();
    await clock.advanceAsync(130 * SECOND_MS);
    expect(times()).toEqual(expected);
  });

  it('gives up an answer after ten seconds, and sends one report at a time', async () => {
    const { clock, announcer, times, world } = setup(never);
    announcer.start();
    await clock.advanceAsync(9 * SECOND_MS);
    announcer.look();
    await clock.settle();
    expect(times()).toEqual([0]);
    world.answer = () => ACCEPTED;
    await clock.advanceAsync(6 * SECOND_MS);
    expect(times()).toEqual([0, 15]);
  });

  it('survives a picture that cannot be drawn, and logs it once', async () => {
    const { clock, announcer, times, world, logged } = setup();
    world.draw = () => {
      throw new Error('no manager yet');
    };
    announcer.start();
    await clock.advanceAsync(30 * SECOND_MS);
    expect(times()).toEqual([]);
    world.draw = () => world.picture;
    await clock.advanceAsync(5 * SECOND_MS);
    expect(times()).toHaveLength(1);
    expect(logged).toEqual(['warn: engines not told', 'info: engines told again']);
  });

  it('tells once that it stops, and nothing afterwards', async () => {
    const { clock, announcer, sent, world } = setup();
    announcer.start();
    await clock.settle();
    const closed = announcer.close();
    expect(announcer.close()).toBe(closed);
    await closed;
    world.picture = { engines: [] };
    announcer.look();
    announcer.start();
    await clock.advanceAsync(120 * SECOND_MS);
    expect(sent.map(({ body }) => (body as { state: string }).state)).toEqual(['ready', 'stopping']);
    expect(sent[1]?.body).toMatchObject({ engines: [{ name: 'flite' }] });
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not tell the end of what nobody heard of, and does not wait for who does not answer', async () => {
    const idle = setup();
    await idle.announcer.close();
    expect(idle.sent).toEqual([]);
    const unheard = setup(() => AWAY);
    unheard.announcer.start();
    await unheard.clock.settle();
    await unheard.announcer.close();
    expect(unheard.sent).toHaveLength(1);
    const silent = setup();
    silent.announcer.start();
    await silent.clock.settle();
    silent.world.answer = never;
    silent.world.picture = { engines: [] };
    await silent.clock.advanceAsync(6 * SECOND_MS);
    const closed = silent.announcer.close();
    await silent.clock.advanceAsync(2 * SECOND_MS);
    await closed;
    expect(silent.sent).toHaveLength(3);
  });
});
