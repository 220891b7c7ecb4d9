import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { wait } from './clock.ts';
import { createFakeClock } from './testing.ts';

describe('wait', () => {
  it('elapses after its delay and leaves no listener', async () => {
    const clock = createFakeClock();
    const { signal } = new AbortController();
    const listeners = (): number => getEventListeners(signal, 'abort').length;
    const waiting = wait(clock, 50, signal);
    expect(listeners()).toBe(1);
    clock.advance(49);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(1);
    await expect(waiting).resolves.toBe('elapsed');
    expect(listeners()).toBe(0);
  });

  it('ends at once when the signal aborts, and leaves no timer', async () => {
    const clock = createFakeClock();
    const controller = new AbortController();
    const waiting = wait(clock, 50, controller.signal);
    controller.abort();
    await expect(waiting).resolves.toBe('aborted');
    expect(clock.pendingTimers).toBe(0);
  });

  it('needs no timer for no delay, nor for a signal that is aborted already', async () => {
    const clock = createFakeClock();
    await expect(wait(clock, 0, undefined)).resolves.toBe('elapsed');
    await expect(wait(clock, 50, AbortSignal.abort())).resolves.toBe('aborted');
    expect(clock.pendingTimers).toBe(0);
  });
});
