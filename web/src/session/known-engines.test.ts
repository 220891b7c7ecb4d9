import { signal } from '@preact/signals';
import { expect, it } from 'vitest';
import { type Engine, readEngine } from '../documents/engine.ts';
import type { View } from '../live/view.ts';
import { createManualClock } from '../../test/manual-clock.ts';
import { watchKnownEngines } from './known-engines.ts';

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
