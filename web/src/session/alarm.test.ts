import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { readStory, type Story } from '../documents/story.ts';
import { createManualClock } from '../../test/manual-clock.ts';
import { watchLeases } from './alarm.ts';

const leased = (id: string, endMs: number): Story =>
  readStory(id, { audioStatus: 'processing', audioLeaseExpiresAt: endMs });

describe('watchLeases', () => {
  it('rings at each end with one timer', () => {
    const clock = createManualClock(0);
    const stories = signal<readonly Story[]>([leased('a', 300), leased('b', 200), leased('old', -5)]);
    const { nowMs, stop } = watchLeases(stories, clock);
    expect(clock.pending()).toBe(1);
    clock.advance(200);
    expect(nowMs.value).toBe(200);
    expect(clock.pending()).toBe(1);
    clock.advance(100);
    expect(nowMs.value).toBe(300);
    expect(clock.pending()).toBe(0);
    stop();
  });

  it('follows a lease that is renewed, and stops', () => {
    const clock = createManualClock(0);
    const stories = signal<readonly Story[]>([leased('a', 100)]);
    const { nowMs, stop } = watchLeases(stories, clock);
    stories.value = [leased('a', 500)];
    clock.advance(100);
    expect(nowMs.value).toBe(0);
    stop();
    expect(clock.pending()).toBe(0);
  });
});
