import { describe, expect, it } from 'vitest';
import { PoolModeMachine } from './scaling.ts';

const RESET_MS = 60_000;
const machine = (hasThread = true): PoolModeMachine => new PoolModeMachine({ hasThread, resetMs: RESET_MS });

const fail = (modes: PoolModeMachine, times: number, { isServing = false, nowMs = 0 } = {}): boolean[] =>
  Array.from({ length: times }, () => modes.failedToStart(isServing, nowMs));

describe('PoolModeMachine', () => {
  it('falls back to a single worker when three children in a row never come up', () => {
    const modes = machine();
    expect(fail(modes, 3)).toEqual([false, false, true]);
    expect(modes.mode).toBe('single');
    expect(modes.isHopeless).toBe(false);
  });

  it('counts failures in a row only', () => {
    const modes = machine();
    fail(modes, 2);
    modes.cameUp('process');
    expect(fail(modes, 2)).toEqual([false, false]);
    expect(modes.mode).toBe('pool');
  });

  it('then to a thread, and then gives up', () => {
    const modes = machine();
    fail(modes, 3);
    expect(fail(modes, 3)).toEqual([false, false, true]);
    expect([modes.mode, modes.isHopeless]).toEqual(['in-process', false]);
    expect(fail(modes, 3)).toEqual([false, false, false]);
    expect([modes.mode, modes.isHopeless]).toEqual(['in-process', true]);
    modes.cameUp('thread');
    expect(modes.isHopeless).toBe(false);
  });

  it('gives up after six when there is no thread', () => {
    const modes = machine(false);
    fail(modes, 5);
    expect(modes.isHopeless).toBe(false);
    fail(modes, 1);
    expect([modes.mode, modes.isHopeless]).toEqual(['single', true]);
  });

  it('needs no thread while another worker serves', () => {
    const modes = machine();
    fail(modes, 20, { isServing: true });
    expect(modes.mode).toBe('single');
  });

  it('tries the pool again after resetTimeoutMs', () => {
    const modes = machine();
    expect(modes.tryAgain(true, RESET_MS)).toBe(false);
    fail(modes, 3, { nowMs: 1_000 });
    expect(modes.tryAgain(true, RESET_MS + 999)).toBe(false);
    expect(modes.tryAgain(true, RESET_MS + 1_000)).toBe(true);
    expect(modes.mode).toBe('pool');
    expect(fail(modes, 3)).toEqual([false, false, true]);
    expect(modes.mode).toBe('single');
  });

  it('goes back to the thread it came from, unless a process was up between', () => {
    const modes = machine();
    fail(modes, 6);
    modes.cameUp('thread');
    expect(modes.tryAgain(true, RESET_MS)).toBe(true);
    fail(modes, 3, { isServing: true });
    expect(modes.mode).toBe('in-process');
    expect(modes.tryAgain(true, 2 * RESET_MS)).toBe(true);
    modes.cameUp('process');
    fail(modes, 3);
    expect(modes.mode).toBe('single');
  });

  it('gives up although each start takes longer than the reset time', () => {
    const modes = machine(false);
    for (let failures = 1; failures <= 6; failures += 1) {
      modes.tryAgain(false, failures * 2 * RESET_MS);
      fail(modes, 1, { nowMs: failures * 2 * RESET_MS });
      expect(modes.isHopeless).toBe(failures === 6);
    }
  });
});
