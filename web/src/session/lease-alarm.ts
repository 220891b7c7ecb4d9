import { effect, type ReadonlySignal, signal } from '@preact/signals';
import { leaseEndMs, type Story } from '../documents/index.ts';
import type { Clock } from '../live/index.ts';

export interface LeaseAlarm {
  /** Unix milliseconds; moves whenever a lease ends, so that what depends on it is read again. */
  readonly nowMs: ReadonlySignal<number>;
  readonly stop: () => void;
}

/** Rings once at the end of the next lease among the stories that are looked at, instead of polling. */
export const watchLeases = (stories: ReadonlySignal<readonly Story[]>, clock: Clock): LeaseAlarm => {
  const nowMs = signal(clock.now());
  const stop = effect(() => {
    const last = Math.max(nowMs.value, clock.now());
    const ends = stories.value
      .map((story) => leaseEndMs(story))
      .filter((end): end is number => end !== undefined && end > last);
    if (ends.length === 0) return undefined;
    return clock.after(Math.min(...ends) - clock.now(), () => {
      nowMs.value = clock.now();
    });
  });
  return { nowMs, stop };
};
