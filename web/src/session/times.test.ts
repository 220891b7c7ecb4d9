import { effect, signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { type Engine, readEngine } from '../documents/engine.ts';
import { readStory, type Story } from '../documents/story.ts';
import { createManualClock } from '../../test/manual-clock.ts';
import type { View } from '../live/view.ts';
import { watchKnownEngines, watchLeases } from './times.ts';

const leased = (id: string, endMs: number): Story =>
  readStory(id, { audioStatus: 'processing', audioLeaseExpiresAt: endMs });

const setUp = (first: readonly Story[]) => {
  const clock = createManualClock(0);
  const offsetMs = signal(0);
  const stories = signal(first);
  const { now, stop } = watchLeases(stories, { ...clock, now: () => clock.now() + offsetMs.value });
  const seen: number[] = [];
  const stopSeeing = effect(() => {
    seen.push(now());
  });
  const stopAll = () => {
    stop();
    stopSeeing();
    expect(clock.pending()).toBe(0);
  };
  return { clock, offsetMs, stories, seen, stopAll };
};

describe('watchLeases', () => {
  it('rings at each end with one timer', () => {
    const { clock, seen, stopAll } = setUp([leased('a', 300), leased('b', 200), leased('old', -5)]);
    expect(clock.pending()).toBe(1);
    clock.advance(200);
    expect(clock.pending()).toBe(1);
    clock.advance(100);
    expect(clock.pending()).toBe(0);
    expect(seen).toEqual([0, 200, 300]);
    stopAll();
  });

  it('follows a lease that is renewed, and stops', () => {
    const { clock, stories, seen, stopAll } = setUp([leased('a', 100)]);
    stories.value = [leased('a', 500)];
    clock.advance(100);
    expect(seen).toEqual([0]);
    stopAll();
  });

  it('goes by a clock that is set', () => {
    const { clock, offsetMs, seen, stopAll } = setUp([leased('a', 300)]);
    offsetMs.value = 1000;
    expect(clock.pending()).toBe(0);
    offsetMs.value = -1000;
    clock.advance(1300);
    expect(seen).toEqual([0, 1000, -1000, 300]);
    stopAll();
  });
});

const engine = (name: string, expiresAt: number, forgetAt = 1_000): Engine =>
  readEngine(name, {
    forgetAt,
    state: 'ready',
    voices: [{ id: `${name}-voice`, languages: ['en'] }],
    expiresAt,
  });

it('counts an engine as away when its heartbeat expires, and keeps its voices', () => {
  const clock = createManualClock(0);
  const view = signal<View<readonly Engine[]>>({
    kind: 'live',
    value: [engine('a', 100), engine('b', 200), engine('old', -5), engine('forgotten', -9, -5)],
  });
  const { engines, stop } = watchKnownEngines(view, clock);
  const states = () => engines.value.map(({ state }) => state);
  expect(states()).toEqual(['ready', 'ready', 'unavailable']);
  clock.advance(100);
  expect(states()).toEqual(['unavailable', 'ready', 'unavailable']);
  clock.advance(100);
  expect(states()).toEqual(['unavailable', 'unavailable', 'unavailable']);
  expect(engines.value.map(({ voices }) => voices[0]?.id)).toEqual(['a-voice', 'b-voice', 'old-voice']);
  view.value = { kind: 'live', value: [engine('a', 300)] };
  expect(states()).toEqual(['ready']);
  view.value = { kind: 'denied' };
  expect(engines.value).toEqual([]);
  stop();
  expect(clock.pending()).toBe(0);
});
