import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { raceAbort } from './race-abort.ts';

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
