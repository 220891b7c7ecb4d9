import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { Engine } from '../documents/engine.ts';
import { leaseEndMs } from '../documents/narration.ts';
import type { Story } from '../documents/story.ts';
import type { Clock } from '../live/follow.ts';
import { type View, valueOf } from '../live/view.ts';

/**
 * Rings once at the next of some times, instead of polling.
 *
 * @param timesMs unix milliseconds; those that have passed are left alone
 */
const watchTimes = (timesMs: () => readonly number[], clock: Clock) => {
  const rings = signal(0);
  /** Unix milliseconds now. A computation that calls it runs again whenever one of the times has come. */
  const now = (): number => {
    void rings.value;
    return clock.now();
  };
  const times = computed(timesMs);
  const stop = effect(() => {
    const nowMs = now();
    const coming = times.value.filter((time) => time > nowMs);
    if (coming.length === 0) return undefined;
    return clock.after(Math.min(...coming) - nowMs, () => {
      rings.value += 1;
    });
  });
  return { now, stop };
};

/** Rings at the end of the next lease among the stories that are looked at. */
export const watchLeases = (stories: ReadonlySignal<readonly Story[]>, clock: Clock) =>
  watchTimes(() => stories.value.map(leaseEndMs).filter((end) => end !== undefined), clock);

const NONE: readonly Engine[] = [];

/** The engines of the menu. One whose heartbeat expired is away and keeps its voices, until it is forgotten. */
export const watchKnownEngines = (view: ReadonlySignal<View<readonly Engine[]>>, clock: Clock) => {
  const menu = computed(() => valueOf(view.value) ?? NONE);
  const alarm = watchTimes(() => menu.value.map(({ expiresAtMs }) => expiresAtMs), clock);
  const engines = computed(() => {
    const nowMs = alarm.now();
    return menu.value
      .filter(({ forgetAtMs }) => forgetAtMs > nowMs)
      .map((engine): Engine => (engine.expiresAtMs > nowMs ? engine : { ...engine, state: 'unavailable' }));
  });
  return { engines, stop: alarm.stop };
};
