import { type Backoff, backoffDelayMs } from '@taleback/resilience';
import type { ChildEnd } from './child-end.ts';
import { exitCodeOf } from './exit-code.ts';

export interface SupervisionPolicy {
  /** Delays before the first, second, ... start after an end that nobody asked for. */
  readonly backoff: Backoff;
  /** A child that lived this long is well: the next delay is the first again. ms. */
  readonly steadyAfterMs: number;
  /** Longest time that a child may take to stop before it is killed, ms. */
  readonly stopWithinMs: number;
}

export type SupervisorState =
  | { readonly kind: 'running'; readonly sinceMs: number; readonly failures: number }
  /** Between an end and the next start. */
  | { readonly kind: 'waiting'; readonly failures: number }
  /** The child was told to stop, and is waited for. */
  | { readonly kind: 'stopping'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'ended'; readonly code: number };

export type SupervisorInput =
  | { readonly kind: 'child-ended'; readonly end: ChildEnd }
  | { readonly kind: 'signalled'; readonly signal: NodeJS.Signals }
  /** The timer that `start-in` or `kill-in` set. */
  | { readonly kind: 'timer' };

export type SupervisorAction =
  | { readonly kind: 'start' }
  /** Sets the one timer; replaces whatever it was set to. */
  | { readonly kind: 'start-in'; readonly delayMs: number }
  | { readonly kind: 'kill-in'; readonly delayMs: number }
  | { readonly kind: 'pass-on'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'exit'; readonly code: number };

export interface Supervision {
  readonly state: SupervisorState;
  readonly actions: readonly SupervisorAction[];
}

const exit = (code: number): Supervision => ({
  state: { kind: 'ended', code },
  actions: [{ kind: 'exit', code }],
});

const running = (sinceMs: number, failures: number): Supervision => ({
  state: { kind: 'running', sinceMs, failures },
  actions: [{ kind: 'start' }],
});

/**
 * A child that ends by the very signal that was passed on has done what it was asked. It happens to one that ends while a
 * second signal is on its way, as when a terminal signals the whole group; service managers call it a success too.
 *
 * @see systemd.service(5), SuccessExitStatus=
 */
const stopCodeOf = (end: ChildEnd, passedOn: NodeJS.Signals): number =>
  end.kind === 'killed' && end.signal === passedOn ? 0 : exitCodeOf(end);

/** The beginning: one child runs. */
export const beginSupervision = (nowMs: number): Supervision => running(nowMs, 0);

const whileRunning = (
  state: SupervisorState & { kind: 'running' },
  input: SupervisorInput,
  nowMs: number,
  policy: SupervisionPolicy,
): Supervision => {
  switch (input.kind) {
    case 'child-ended': {
      if (input.end.kind === 'exited' && input.end.code === 0) return exit(0);
      const failures = nowMs - state.sinceMs >= policy.steadyAfterMs ? 1 : state.failures + 1;
      const delayMs = backoffDelayMs(policy.backoff, failures);
      return { state: { kind: 'waiting', failures }, actions: [{ kind: 'start-in', delayMs }] };
    }
    case 'signalled':
      return {
        state: { kind: 'stopping', signal: input.signal },
        actions: [
          { kind: 'pass-on', signal: input.signal },
          { kind: 'kill-in', delayMs: policy.stopWithinMs },
        ],
      };
    case 'timer':
      return { state, actions: [] };
    default:
      return input satisfies never;
  }
};

/**
 * What follows from what happened. A child that ends with 0 is done; one that ends in any other way by itself is
 * started again after a delay; one that was told to stop ends the supervisor with its own code.
 */
export const decideSupervision = (
  state: SupervisorState,
  input: SupervisorInput,
  nowMs: number,
  policy: SupervisionPolicy,
): Supervision => {
  switch (state.kind) {
    case 'running':
      return whileRunning(state, input, nowMs, policy);
    case 'waiting':
      if (input.kind === 'signalled') return exit(0);
      return input.kind === 'timer' ? running(nowMs, state.failures) : { state, actions: [] };
    case 'stopping':
      if (input.kind === 'child-ended') return exit(stopCodeOf(input.end, state.signal));
      return {
        state,
        actions: input.kind === 'timer' ? [{ kind: 'pass-on', signal: 'SIGKILL' }] : [],
      };
    case 'ended':
      return { state, actions: [] };
    default:
      return state satisfies never;
  }
};
