import { computed, type ReadonlySignal } from '@preact/signals';
import { leaseEndMs, type Story } from '../documents/index.ts';
import type { Clock } from '../live/index.ts';
import { type Alarm, watchTimes } from './alarm.ts';

/** Rings at the end of the next lease among the stories that are looked at. */
export const watchLeases = (stories: ReadonlySignal<readonly Story[]>, clock: Clock): Alarm =>
  watchTimes(
    computed(() => stories.value.map(leaseEndMs).filter((end) => end !== undefined)),
    clock,
  );
