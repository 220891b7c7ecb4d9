import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { createManualClock } from '../../test/manual-clock.ts';
import { openServerClock, readServerTime } from './server-clock.ts';

const answering =
  (headers: Record<string, string>): typeof fetch =>
  () =>
    Promise.resolve(new Response(null, { headers }));

describe('readServerTime', () => {
  it.each<[string, Record<string, string>, number | undefined]>([
    ['a server', { date: 'Sun, 01 Mar 2026 10:00:00 GMT' }, Date.UTC(2026, 2, 1, 10, 0, 0, 500)],
    ['a cache', { date: 'Sun, 01 Mar 2026 10:00:00 GMT', age: '90' }, Date.UTC(2026, 2, 1, 10, 1, 30, 500)],
    ['a server without a clock', {}, undefined],
    ['a server with a broken clock', { date: 'now' }, undefined],
  ])('reads the time of %s', async (_name, headers, timeMs) => {
    expect(await readServerTime(answering(headers))).toBe(timeMs);
  });

  it('does not mind that there is no server', async () => {
    expect(await readServerTime(() => Promise.reject(new Error('offline')))).toBeUndefined();
  });
});

const setUp = (answer: number | undefined) => {
  const clock = createManualClock(20 * 60_000);
  const wakes = signal(0);
  const server = { timeMs: answer, asks: 0 };
  const opened = openServerClock(
    clock,
    () => {
      server.asks += 1;
      return Promise.resolve(server.timeMs);
    },
    wakes,
  );
  return { clock, wakes, server, opened };
};

describe('openServerClock', () => {
  it('says the time of the server, whatever the reader has', async () => {
    const { clock, opened } = setUp(1000);
    await opened.isAsked;
    expect(opened.now()).toBe(1000);
    clock.advance(500);
    expect(opened.now()).toBe(1500);
  });

  it('says what the reader has while the server does not answer, and asks again', async () => {
    const { clock, server, opened } = setUp(undefined);
    await opened.isAsked;
    expect(opened.now()).toBe(clock.now());
    server.timeMs = 31_000;
    clock.advance(30_000);
    await Promise.resolve();
    await Promise.resolve();
    expect([server.asks, opened.now()]).toEqual([2, 31_000]);
  });

  it('asks again when the page wakes, once at a time, and from time to time', async () => {
    const { clock, wakes, server, opened } = setUp(1000);
    wakes.value += 1;
    expect(server.asks).toBe(1);
    await opened.isAsked;
    wakes.value += 1;
    wakes.value += 1;
    expect(server.asks).toBe(2);
    await Promise.resolve();
    await Promise.resolve();
    expect(clock.pending()).toBe(1);
    clock.advance(10 * 60_000);
    expect(server.asks).toBe(3);
  });
});
