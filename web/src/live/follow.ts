import { effect, type ReadonlySignal, signal, untracked } from '@preact/signals';
import type { Watch } from './feed.ts';
import { drawView, type Facts, learn, nothingKnown, type View, type ViewEvent } from './view.ts';

/** Time, handed in so that tests can move it. */
export interface Clock {
  readonly now: () => number;
  /** Runs once after a delay in milliseconds; answers how to call it off. */
  readonly after: (delayMs: number, run: () => void) => () => void;
}

/** Browsers keep timers in 32 bits; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, Math.min(delayMs, MAX_DELAY_MS));
    return () => clearTimeout(timer);
  },
};

/** What following needs beside the watch itself. */
export interface Surroundings {
  readonly clock: Clock;
  /** What the browser says of its network. */
  readonly isOnline: ReadonlySignal<boolean>;
  /** Changes when a watch that failed may succeed now, as when the reader returns to the page. */
  readonly wakes: ReadonlySignal<unknown>;
}

/** After this long without the server the page says so; Firestore itself gives up after the same time. */
const LONG_SILENCE_MS = 10_000;
/**
 * When a watch that failed is started again; the delay doubles with each failure. A broken one fails for a moment. A denied one waits for a
 * change on the server, such as a story that is only being created.
 */
const RESTARTS = {
  broken: { firstMs: 1000, maxMs: 30_000 },
  denied: { firstMs: 30_000, maxMs: 300_000 },
} as const;
/** How long after the page woke; what woke it may be many events at once. */
const WAKE_RESTART_MS = 1000;

/**
 * Follows a watch, which may change (another story) or be absent (signed out), and keeps its view. A watch
 * that fails is started again, later each time, or when the page wakes.
 */
export const follow = <T>(watch: ReadonlySignal<Watch<T> | undefined>, surroundings: Surroundings) => {
  const { clock, isOnline } = surroundings;
  let facts: Facts<T> = nothingKnown(isOnline.peek());
  const view = signal<View<T>>(drawView(facts));
  let callOffSilence: (() => void) | undefined;

  const dispatch = (event: ViewEvent<T>): void => {
    facts = learn(facts, event);
    view.value = drawView(facts);
    const isSettled = view.peek().kind === 'live' || view.peek().kind === 'denied' || facts.isLongSilent;
    if (isSettled) {
      callOffSilence?.();
      callOffSilence = undefined;
    } else {
      callOffSilence ??= clock.after(LONG_SILENCE_MS, () => dispatch({ kind: 'long-silent' }));
    }
  };

  const stopWatching = effect(() => {
    const current = watch.value;
    callOffSilence?.();
    callOffSilence = undefined;
    facts = nothingKnown(isOnline.peek());
    view.value = drawView(facts);
    return current === undefined ? undefined : untracked(() => keepWatching(current, surroundings, dispatch));
  });
  const stopListening = effect(() => {
    const kind = isOnline.value ? 'online' : 'offline';
    if (watch.peek() !== undefined) untracked(() => dispatch({ kind }));
  });
  return {
    view: view as ReadonlySignal<View<T>>,
    stop: (): void => {
      stopWatching();
      stopListening();
      callOffSilence?.();
    },
  };
};

const keepWatching = <T>(
  watch: Watch<T>,
  { clock, isOnline, wakes }: Surroundings,
  dispatch: (event: ViewEvent<T>) => void,
): (() => void) => {
  let failures = 0;
  let unsubscribe: (() => void) | undefined;
  let callOffRestart: (() => void) | undefined;
  let isAwake = false;
  let isOver = false;

  const restartAfter = (delayMs: number): void => {
    callOffRestart?.();
    callOffRestart = clock.after(delayMs, start);
  };
  const start = (): void => {
    callOffRestart = undefined;
    isAwake = false;
    dispatch({ kind: isOnline.peek() ? 'online' : 'offline' });
    unsubscribe = watch({
      next: (snapshot) => {
        if (isOver) return;
        if (snapshot.from === 'server') failures = 0;
        dispatch({ kind: 'snapshot', snapshot });
      },
      fail: (fault) => {
        if (isOver) return;
        dispatch({ kind: fault });
        const { firstMs, maxMs } = RESTARTS[fault];
        restartAfter(Math.min(firstMs * 2 ** failures, maxMs));
        failures += 1;
      },
    });
  };
  start();
  const stopWaking = effect(() => {
    void wakes.value;
    if (callOffRestart === undefined || isAwake) return;
    failures = 0;
    isAwake = true;
    restartAfter(WAKE_RESTART_MS);
  });
  return () => {
    isOver = true;
    stopWaking();
    callOffRestart?.();
    unsubscribe?.();
  };
};
