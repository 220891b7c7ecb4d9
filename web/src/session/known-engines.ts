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

/** The engines of the menu. One whose heartbeat expired is away and keeps its voices, until it is forgotten. */
export const watchKnownEngines = (
  view: ReadonlySignal<View<readonly Engine[]>>,
  clock: Clock,
): KnownEngines => {
  const menu = computed(() => valueOf(view.value) ?? NONE);
  const alarm = watchTimes(
    computed(() => menu.value.map(({ expiresAtMs }) => expiresAtMs)),
    clock,
  );
  return {
    engines: computed(() => {
      const nowMs = Math.max(alarm.nowMs.value, clock.now());
      return menu.value
        .filter(({ forgetAtMs }) => forgetAtMs > nowMs)
        .map((engine): Engine => (engine.expiresAtMs > nowMs ? engine : { ...engine, state: 'unavailable' }));
    }),
    stop: alarm.stop,
  };
};
