import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChildEnd } from './child-end.ts';
import {
  beginSupervision,
  decideSupervision,
  type Supervision,
  type SupervisionPolicy,
  type SupervisorInput,
} from './decide-supervision.ts';
import { RESTART_POLICY } from './supervise.ts';

const POLICY: SupervisionPolicy = { ...RESTART_POLICY, stopWithinMs: 30_000 };
const ended = (end: ChildEnd): SupervisorInput => ({ kind: 'child-ended', end });
const exited = (code: number): SupervisorInput => ended({ kind: 'exited', code });
const killed = (signal: NodeJS.Signals): SupervisorInput => ended({ kind: 'killed', signal });
const term: SupervisorInput = { kind: 'signalled', signal: 'SIGTERM' };
const timer: SupervisorInput = { kind: 'timer' };

/** What follows from inputs at their times, from a child that runs since 0. */
const after = (...inputs: readonly (readonly [number, SupervisorInput])[]): Supervision =>
  inputs.reduce<Supervision>(
    ({ state }, [nowMs, input]) => decideSupervision(state, input, nowMs, POLICY),
    beginSupervision(0),
  );

describe('a child that ends by itself', () => {
  it('is done with 0', () => {
    expect(after([10, exited(0)]).actions).toEqual([{ kind: 'exit', code: 0 }]);
  });

  it.each([
    exited(1),
    exited(127),
    killed('SIGKILL'),
    killed('SIGTERM'),
    ended({ kind: 'not-started', reason: 'ENOMEM' }),
  ])('comes back after any other end: %j', (end) => {
    expect(after([10, end]).actions).toEqual([{ kind: 'start-in', delayMs: 500 }]);
    expect(after([10, end], [510, timer])).toEqual({
      state: { kind: 'running', sinceMs: 510, failures: 1 },
      actions: [{ kind: 'start' }],
    });
  });

  it('comes back after 0.5 s doubled to 30 s, and after 0.5 s again once it lived a minute', () => {
    const delays: number[] = [];
    let nowMs = 0;
    let { state } = beginSupervision(nowMs);
    const endAfter = (livedMs: number): void => {
      nowMs += livedMs;
      const crash = decideSupervision(state, exited(1), nowMs, POLICY);
      const [wait] = crash.actions;
      if (wait?.kind !== 'start-in') throw new Error('it does not come back');
      delays.push(wait.delayMs);
      nowMs += wait.delayMs;
      ({ state } = decideSupervision(crash.state, timer, nowMs, POLICY));
    };
    for (let time = 0; time < 8; time += 1) endAfter(59_999);
    endAfter(60_000);
    endAfter(100);
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 500, 1_000]);
  });
});

describe('a stop signal', () => {
  it('is passed on once, with a limit', () => {
    const stopping = after([10, term]);
    expect(stopping.actions).toEqual([
      { kind: 'pass-on', signal: 'SIGTERM' },
      { kind: 'kill-in', delayMs: 30_000 },
    ]);
    expect(after([10, term], [11, term]).actions).toEqual([]);
    expect(after([10, term], [11, { kind: 'signalled', signal: 'SIGINT' }]).actions).toEqual([]);
  });

  it.each([
    [exited(0), 0],
    [exited(3), 3],
    [killed('SIGTERM'), 0],
    [killed('SIGINT'), 130],
    [killed('SIGKILL'), 137],
  ])('ends with what the child ends with: %j', (end, code) => {
    expect(after([10, term], [20, end]).actions).toEqual([{ kind: 'exit', code }]);
  });

  it('kills a child that does not stop in time, and waits for its end', () => {
    expect(after([10, term], [30_010, timer])).toEqual({
      state: { kind: 'stopping', signal: 'SIGTERM' },
      actions: [{ kind: 'pass-on', signal: 'SIGKILL' }],
    });
  });

  it('between two children ends at once', () => {
    expect(after([10, exited(1)], [20, term]).actions).toEqual([{ kind: 'exit', code: 0 }]);
    expect(after([10, exited(1)], [20, term], [510, timer]).actions).toEqual([]);
  });
});

describe('laws', () => {
  const INPUTS = { crash: exited(1), end: exited(0), signal: term, timer } as const;
  const anyInput = fc.constantFrom(...(Object.keys(INPUTS) as (keyof typeof INPUTS)[]));

  /** What a supervisor does, and what of it is against the law. */
  const follow = (steps: readonly (readonly [keyof typeof INPUTS, number])[]) => {
    const faults: string[] = [];
    let { state } = beginSupervision(0);
    let nowMs = 0;
    let isRunning = true;
    let isSignalled = false;
    let exits = 0;
    for (const [name, afterMs] of steps) {
      const input = INPUTS[name];
      nowMs += afterMs;
      if (input.kind === 'child-ended' && !isRunning) continue;
      isRunning &&= input.kind !== 'child-ended';
      isSignalled ||= input.kind === 'signalled';
      const next = decideSupervision(state, input, nowMs, POLICY);
      state = next.state;
      for (const { kind } of next.actions) {
        if (kind === 'start' && (isRunning || isSignalled || exits > 0)) faults.push('a start too many');
        if (kind === 'pass-on' && !isRunning) faults.push('a signal to nobody');
        if (kind === 'exit' && isRunning) faults.push('an orphan');
        isRunning ||= kind === 'start';
        exits += kind === 'exit' ? 1 : 0;
      }
    }
    return { faults, exits, state };
  };

  it('runs one child at most, starts none after a signal, leaves none behind, exits once', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyInput, fc.nat(70_000)), { maxLength: 30 }), (steps) => {
        const { faults, exits, state } = follow(steps);
        expect(faults).toEqual([]);
        expect(exits).toBe(state.kind === 'ended' ? 1 : 0);
      }),
    );
  });
});
