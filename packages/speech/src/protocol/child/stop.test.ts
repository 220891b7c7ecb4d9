import { describe, expect, it } from 'vitest';
import { Stop } from './stop.ts';

describe('Stop', () => {
  it('aborts a signal that was read before', () => {
    const stop = new Stop();
    const { signal } = stop;
    expect(signal.aborted).toBe(false);
    stop.ask();
    expect(signal.aborted).toBe(true);
    expect(stop.isAsked).toBe(true);
  });

  it('gives whoever reads it later a signal that is aborted', () => {
    const stop = new Stop();
    stop.ask();
    expect(stop.signal.aborted).toBe(true);
  });

  it('has one signal', () => {
    const stop = new Stop();
    const { signal } = stop;
    stop.ask();
    expect(stop.signal).toBe(signal);
  });
});
