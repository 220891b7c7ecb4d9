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
}

export interface Following<T> {
  readonly view: ReadonlySignal<View<T>>;
  readonly stop: () => void;
}

/** After this long without the server the page says so; Firestore itself gives up after the same time. */
const LONG_SILENCE_MS = 10_000;
/** A broken watch is started again after 1, 2, 4 ... seconds, at most half a minute apart. */
const FIRST_RESTART_MS = 1000;
const MAX_RESTART_MS = 30_000;

/**
 * Follows a watch, which may change (another story) or be absent (signed out), and keeps its view. A watch
 * that breaks is started again; one that is denied stays so until the watch changes.
 */
export const follow = <T>(
  watch: ReadonlySignal<Watch<T> | undefined>,
  { clock, isOnline }: Surroundings,
): Following<T> => {
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
    return current === undefined
      ? undefined
      : untracked(() => keepWatching(current, clock, dispatch, isOnline));
  });
  const stopListening = effect(() => {
    const kind = isOnline.value ? 'online' : 'offline';
    if (watch.peek() !== undefined) untracked(() => dispatch({ kind }));
  });
  return {
    view,
    stop: () => {
      stopWatching();
      stopListening();
      callOffSilence?.();
    },
  };
};

const keepWatching = <T>(
  watch: Watch<T>,
  clock: Clock,
  dispatch: (event: ViewEvent<T>) => void,
  isOnline: ReadonlySignal<boolean>,
): (() => void) => {
  let restartMs = FIRST_RESTART_MS;
  let unsubscribe: (() => void) | undefined;
  let callOffRestart: (() => void) | undefined;
  let isOver = false;

  const start = (): void => {
    dispatch({ kind: isOnline.peek() ? 'online' : 'offline' });
    unsubscribe = watch({
      next: (snapshot) => {
        if (isOver) return;
        if (snapshot.from === 'server') restartMs = FIRST_RESTART_MS;
        dispatch({ kind: 'snapshot', snapshot });
      },
      fail: (fault) => {
        if (isOver) return;
        dispatch({ kind: fault });
        if (fault === 'denied') return;
        callOffRestart = clock.after(restartMs, start);
        restartMs = Math.min(restartMs * 2, MAX_RESTART_MS);
      },
    });
  };
  start();
  return () => {
    isOver = true;
    callOffRestart?.();
    unsubscribe?.();
  };
};
