import { effect, type ReadonlySignal, signal } from '@preact/signals';
import type { Clock } from './follow.ts';

/** A clock that is set while the page stays open counts after this long at most. */
const MEASURE_MS = 10 * 60_000;
/** How soon the server is asked again when it did not answer. */
const MEASURE_AGAIN_MS = 30_000;
/** The page waits this long for the server's time before it shows anything. */
const ANSWER_TIMEOUT_MS = 5000;
/** `Date` is in whole seconds, cut off: on average half of one is missing. */
const HALF_SECOND_MS = 500;

/** The server's time in Unix milliseconds, from the `Date` header of the page; undefined when there is none. */
export const readServerTime = async (fetcher: typeof fetch): Promise<number | undefined> => {
  try {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const { headers } = await fetcher(location.pathname, { method: 'HEAD', cache: 'no-store', signal });
    // What a shared cache answers is as old as it says.
    const ageMs = Number(headers.get('age') ?? 0) * 1000;
    const atMs = Date.parse(headers.get('date') ?? '') + ageMs + HALF_SECOND_MS;
    return Number.isNaN(atMs) ? undefined : atMs;
  } catch {
    return undefined;
  }
};

/**
 * The server's time, whatever the reader's clock says. Until the server has answered, it is the reader's. It measures how far
 * one is from the other: at once, whenever the page wakes, and from time to time.
 *
 * @param readTime the server's time in Unix milliseconds, undefined when it does not answer
 */
export const openServerClock = (
  { now, after }: Clock,
  readTime: () => Promise<number | undefined>,
  wakes: ReadonlySignal<unknown>,
) => {
  const offsetMs = signal(0);
  let callOff: (() => void) | undefined;
  let asking: Promise<void> | undefined;

  const ask = async (): Promise<void> => {
    callOff?.();
    const askedAtMs = now();
    const serverMs = await readTime();
    // The answer was written about half way between.
    if (serverMs !== undefined) offsetMs.value = serverMs - (askedAtMs + now()) / 2;
    asking = undefined;
    callOff = after(serverMs === undefined ? MEASURE_AGAIN_MS : MEASURE_MS, measure);
  };
  const measure = (): void => {
    asking ??= ask();
  };
  effect(() => {
    void wakes.value;
    measure();
  });
  return {
    now: () => now() + offsetMs.value,
    after,
    /** Settles when the server was asked for the first time, answered or not. */
    isAsked: asking ?? Promise.resolve(),
  };
};
