import { describe, expect, it } from 'vitest';
import { decideLiveness } from './health-server.node.ts';

describe('decideLiveness', () => {
  it('lives while it starts, runs, and stops in time', () => {
    expect(decideLiveness({ kind: 'starting' }, 20_000, 1e9)).toEqual({ alive: true });
    expect(decideLiveness({ kind: 'running' }, 20_000, 1e9)).toEqual({ alive: true });
    expect(decideLiveness({ kind: 'stopping', sinceMs: 0 }, 20_000, 30_000)).toEqual({ alive: true });
  });

  it('is dead when a stop does not come to its end', () => {
    expect(decideLiveness({ kind: 'stopping', sinceMs: 0 }, 20_000, 30_001)).toEqual({
      alive: false,
      reason: 'It has been stopping for 30 s.',
    });
  });
});
