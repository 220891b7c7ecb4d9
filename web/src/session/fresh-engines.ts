import { computed, type ReadonlySignal } from '@preact/signals';
import type { Engine } from '../documents/index.ts';
import { type Clock, type View, valueOf } from '../live/index.ts';
import { watchTimes } from './alarm.ts';

const NONE: readonly Engine[] = [];

export interface FreshEngines {
  readonly engines: ReadonlySignal<readonly Engine[]>;
  readonly stop: () => void;
}

/** The engines of which something is known now: what expired is as if it had never been told. */
export const watchFreshEngines = (
  view: ReadonlySignal<View<readonly Engine[]>>,
  clock: Clock,
): FreshEngines => {
  const told = computed(() => valueOf(view.value) ?? NONE);
  const alarm = watchTimes(
    computed(() => told.value.map(({ expiresAtMs }) => expiresAtMs)),
    clock,
  );
  return {
    engines: computed(() => {
      const nowMs = Math.max(alarm.nowMs.value, clock.now());
      const fresh = told.value.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
      return fresh.length === 0 ? NONE : fresh;
    }),
    stop: alarm.stop,
  };
};
