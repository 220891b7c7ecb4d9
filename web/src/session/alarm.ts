import { effect, type ReadonlySignal, signal, computed } from '@preact/signals';
import type { Clock } from '../live/follow.ts';
import { leaseEndMs } from '../documents/narration.ts';
import type { Story } from '../documents/story.ts';

export interface Alarm {
  /** Unix milliseconds; moves whenever one of the times has come, so that what depends on it is read again. */
  readonly nowMs: ReadonlySignal<number>;
  readonly stop: () => void;
}

/**
 * Rings once at the next of some times, instead of polling.
 *
 * @param timesMs unix milliseconds; those that have passed are left alone
 */
export const watchTimes = (timesMs: ReadonlySignal<readonly number[]>, clock: Clock): Alarm => {
  const nowMs = signal(clock.now());
  const stop = effect(() => {
    const last = Math.max(nowMs.value, clock.now());
    const coming = timesMs.value.filter((time) => time > last);
    if (coming.length === 0) return undefined;
    return clock.after(Math.min(...coming) - clock.now(), () => {
      nowMs.value = clock.now();
    });
  });
  return { nowMs, stop };
};

/** Rings at the end of the next lease among the stories that are looked at. */
export const watchLeases = (stories: ReadonlySignal<readonly Story[]>, clock: Clock): Alarm =>
  watchTimes(
    computed(() => stories.value.map(leaseEndMs).filter((end) => end !== undefined)),
    clock,
  );
