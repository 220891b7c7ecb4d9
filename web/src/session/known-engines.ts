import { computed, type ReadonlySignal } from '@preact/signals';
import type { Engine } from '../documents/engine.ts';
import type { Clock } from '../live/follow.ts';
import { type View, valueOf } from '../live/view.ts';
import { watchTimes } from './alarm.ts';

const NONE: readonly Engine[] = [];

export interface KnownEngines {
  readonly engines: ReadonlySignal<readonly Engine[]>;
  readonly stop: () => void;
}

/** Every engine that was told of. One whose word has expired is away; what it has is still its own. */
export const watchKnownEngines = (
  view: ReadonlySignal<View<readonly Engine[]>>,
  clock: Clock,
): KnownEngines => {
  const told = computed(() => valueOf(view.value) ?? NONE);
  const alarm = watchTimes(
    computed(() => told.value.map(({ expiresAtMs }) => expiresAtMs)),
    clock,
  );
  return {
    engines: computed(() => {
      const nowMs = Math.max(alarm.nowMs.value, clock.now());
      return told.value.map(
        (engine): Engine => (engine.expiresAtMs > nowMs ? engine : { ...engine, state: 'unavailable' }),
      );
    }),
    stop: alarm.stop,
  };
};
