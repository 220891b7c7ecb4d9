import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import type { ChildEnd } from './child-end.ts';
import { RESTART_POLICY, supervise } from './supervise.ts';

const setup = () => {
  const clock = createFakeClock();
  const children: { end: (end: ChildEnd) => void; signals: string[]; startedAtMs: number }[] = [];
  const lines: string[] = [];
  const supervisor = supervise({
    startChild: (onEnd) => {
      const signals: string[] = [];
      children.push({ end: onEnd, signals, startedAtMs: clock.now() });
      return { pid: 1_000 + children.length, kill: (signal) => void signals.push(signal) };
    },
    clock,
    log: (severity, message) => void lines.push(`${severity}: ${message}`),
    policy: { ...RESTART_POLICY, stopWithinMs: 30_000 },
  });
  return { clock, children, lines, supervisor };
};

describe('supervise', () => {
  it('starts a child at once, and another after each crash', () => {
    const { clock, children, lines } = setup();
    children[0]?.end({ kind: 'killed', signal: 'SIGKILL' });
    clock.advance(500);
    children[1]?.end({ kind: 'exited', code: 1 });
    clock.advance(1_000);
    expect(children.map(({ startedAtMs }) => startedAtMs)).toEqual([0, 500, 1_500]);
    expect(lines.slice(0, 4)).toEqual([
      'info: worker started',
      'error: worker ended',
      'warn: worker starts again',
      'info: worker started',
    ]);
  });

  it('passes a signal on once and ends with the code of the child', async () => {
    const { clock, children, supervisor } = setup();
    supervisor.signal('SIGTERM');
    supervisor.signal('SIGTERM');
    expect(children[0]?.signals).toEqual(['SIGTERM']);
    children[0]?.end({ kind: 'exited', code: 0 });
    expect(await supervisor.ended).toBe(0);
    expect([clock.pendingTimers, children.length]).toEqual([0, 1]);
  });

  it('kills a child that does not stop in time', async () => {
    const { clock, children, supervisor } = setup();
    supervisor.signal('SIGINT');
    clock.advance(29_999);
    expect(children[0]?.signals).toEqual(['SIGINT']);
    clock.advance(1);
    expect(children[0]?.signals).toEqual(['SIGINT', 'SIGKILL']);
    children[0]?.end({ kind: 'killed', signal: 'SIGKILL' });
    expect(await supervisor.ended).toBe(137);
  });

  it('told to stop between two children, starts no other', async () => {
    const { clock, children, supervisor } = setup();
    children[0]?.end({ kind: 'exited', code: 1 });
    supervisor.signal('SIGHUP');
    expect(await supervisor.ended).toBe(0);
    clock.advance(60_000);
    expect([children.length, clock.pendingTimers]).toEqual([1, 0]);
  });
});
