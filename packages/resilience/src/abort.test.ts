import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { raceAbort, wait } from './abort.ts';
import { createFakeClock } from './testing.ts';

const throwing = (): Promise<never> => {
  throw new Error('at once');
};
const never = (): Promise<never> => new Promise(() => {});

describe('raceAbort', () => {
  it('settles as the operation does and leaves no listener', async () => {
    const controller = new AbortController();
    const listeners = (): number => getEventListeners(controller.signal, 'abort').length;
    await expect(raceAbort(controller.signal, async () => 7)).resolves.toBe(7);
    await expect(raceAbort(controller.signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(raceAbort(controller.signal, throwing)).rejects.toThrow('at once');
    expect(listeners()).toBe(0);
  });

  it('rejects with the reason as soon as the signal aborts, though the operation ignores it', async () => {
    const controller = new AbortController();
    const raced = raceAbort(controller.signal, never);
    controller.abort('enough');
    await expect(raced).rejects.toBe('enough');
  });

  it('does not begin when aborted already', async () => {
    const raced = raceAbort(AbortSignal.abort('early'), () => expect.unreachable());
    await expect(raced).rejects.toBe('early');
  });
});

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
