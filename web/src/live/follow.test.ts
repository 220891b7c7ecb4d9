import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { Channel } from '../../test/fake-feed.ts';
import type { Watch } from './feed.ts';
import { follow } from './follow.ts';
import { createManualClock } from '../../test/manual-clock.ts';

const setUp = () => {
  const clock = createManualClock(0);
  const isOnline = signal(true);
  const channel = new Channel<string>();
  const watch = signal<Watch<string> | undefined>(channel.watch);
  const wakes = signal(0);
  const following = follow(watch, { clock, isOnline, wakes });
  return { clock, isOnline, wakes, channel, watch, ...following };
};

describe('follow', () => {
  it('passes on what the server says at once', () => {
    const { view, channel } = setUp();
    expect(view.value.kind).toBe('connecting');
    channel.send({ from: 'server', value: 'a' });
    expect(view.value).toEqual({ kind: 'live', value: 'a' });
  });

  it('says offline after ten seconds without the server, and recovers', () => {
    const { view, channel, clock } = setUp();
    clock.advance(9999);
    expect(view.value.kind).toBe('connecting');
    clock.advance(1);
    expect(view.value.kind).toBe('offline');
    channel.send({ from: 'server', value: 'a' });
    expect(view.value.kind).toBe('live');
    expect(clock.pending()).toBe(0);
    channel.send({ from: 'cache', value: 'a' });
    expect(view.value.kind).toBe('stale');
    clock.advance(10_000);
    expect(view.value).toEqual({ kind: 'offline', value: 'a' });
  });

  it('follows the network of the browser', () => {
    const { view, channel, isOnline } = setUp();
    channel.send({ from: 'server', value: 'a' });
    isOnline.value = false;
    expect(view.value).toEqual({ kind: 'offline', value: 'a' });
    isOnline.value = true;
    expect(view.value.kind).toBe('live');
  });

  it('starts a broken watch again, later each time, until the server speaks', () => {
    const { channel, clock, view } = setUp();
    for (const delayMs of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      channel.send('broken');
      expect(channel.listeners.size).toBe(0);
      clock.advance(delayMs - 1);
      expect(channel.listeners.size).toBe(0);
      clock.advance(1);
      expect(channel.listeners.size).toBe(1);
    }
    channel.send({ from: 'server', value: 'a' });
    expect(view.value.kind).toBe('live');
    channel.send('broken');
    clock.advance(1000);
    expect(channel.listeners.size).toBe(1);
  });

  it('tries a denied watch again, later each time, and says that it is denied meanwhile', () => {
    const { view, channel, clock } = setUp();
    for (const delayMs of [30_000, 60_000, 120_000, 240_000, 300_000, 300_000]) {
      channel.send('denied');
      expect(view.value).toEqual({ kind: 'denied' });
      channel.forget();
      clock.advance(delayMs - 1);
      expect(channel.listeners.size).toBe(0);
      clock.advance(1);
      expect(channel.listeners.size).toBe(1);
      expect(view.value).toEqual({ kind: 'denied' });
    }
    channel.send({ from: 'cache', value: 'a' });
    expect(view.value).toEqual({ kind: 'denied' });
    channel.send({ from: 'server', value: 'a' });
    expect(view.value).toEqual({ kind: 'live', value: 'a' });
  });

  it.each(['denied', 'broken'] as const)('tries a %s watch again when the page wakes', (fault) => {
    const { channel, clock, wakes } = setUp();
    wakes.value += 1;
    expect(channel.listeners.size).toBe(1);
    for (let failures = 0; failures < 8; failures += 1) {
      channel.send(fault);
      channel.forget();
      wakes.value += 1;
      clock.advance(500);
      wakes.value += 1;
      expect(channel.listeners.size).toBe(0);
      clock.advance(500);
      expect(channel.listeners.size).toBe(1);
      expect(clock.pending()).toBeLessThanOrEqual(1);
    }
  });

  it('leaves one watch for another and forgets what it said', () => {
    const { view, channel, watch } = setUp();
    channel.send({ from: 'server', value: 'a' });
    const other = new Channel<string>();
    watch.value = other.watch;
    expect(channel.listeners.size).toBe(0);
    expect(view.value).toEqual({ kind: 'connecting', value: undefined });
    channel.send({ from: 'server', value: 'late' });
    expect(view.value.kind).toBe('connecting');
    watch.value = undefined;
    expect(other.listeners.size).toBe(0);
  });

  it('leaves nothing behind when it stops', () => {
    const { stop, channel, clock, wakes } = setUp();
    channel.send('broken');
    stop();
    wakes.value += 1;
    expect(clock.pending()).toBe(0);
    expect(channel.listeners.size).toBe(0);
  });
});
