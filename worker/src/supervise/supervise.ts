import type { CancelTimer, Clock } from '@taleback/resilience';
import type { Log } from '../observe/index.ts';
import type { StartChild, SupervisedChild } from './child-end.ts';
import {
  beginSupervision,
  decideSupervision,
  type Supervision,
  type SupervisionPolicy,
  type SupervisorAction,
  type SupervisorInput,
  type SupervisorState,
} from './decide-supervision.ts';

/**
 * Half a second, doubled to 30 s: a crash is over well within the five seconds of the recovery goal, and what crashes at
 * once for ever costs next to nothing.
 *
 * @see seed 004, "Recovery Time"
 */
export const RESTART_POLICY = {
  backoff: { kind: 'exponential', initialMs: 500, maxMs: 30_000, jitter: 'none' },
  steadyAfterMs: 60_000,
} as const satisfies Partial<SupervisionPolicy>;

export interface SuperviseOptions {
  readonly startChild: StartChild;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: SupervisionPolicy;
}

export interface Supervisor {
  /** Tells the child to stop, and that no other is wanted. The second time does nothing. */
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Resolves with the code to exit with, when no child runs and none will. */
  readonly ended: Promise<number>;
}

/** Keeps one child process running until it ends with 0 or is told to stop. */
export const supervise = ({ startChild, clock, log, policy }: SuperviseOptions): Supervisor => {
  let state: SupervisorState = { kind: 'ended', code: 0 };
  let child: SupervisedChild | undefined;
  let cancelTimer: CancelTimer | undefined;
  let end: (code: number) => void;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });

  const setTimer = (delayMs: number): void => {
    cancelTimer?.();
    cancelTimer = clock.setTimer(() => hear({ kind: 'timer' }), delayMs);
  };

  const start = (): void => {
    child = startChild((childEnd) => {
      log(childEnd.kind === 'exited' && childEnd.code === 0 ? 'info' : 'error', 'worker ended', {
        childPid: child?.pid,
        end: childEnd,
      });
      hear({ kind: 'child-ended', end: childEnd });
    });
    if (child.pid !== undefined) log('info', 'worker started', { childPid: child.pid });
  };

  const act = (action: SupervisorAction): void => {
    switch (action.kind) {
      case 'start':
        return start();
      case 'start-in':
        log('warn', 'worker starts again', { delayMs: action.delayMs });
        return setTimer(action.delayMs);
      case 'kill-in':
        return setTimer(action.delayMs);
      case 'pass-on':
        log(action.signal === 'SIGKILL' ? 'error' : 'info', 'worker told to stop', { signal: action.signal });
        return child?.kill(action.signal);
      case 'exit':
        cancelTimer?.();
        return end(action.code);
      default:
        action satisfies never;
    }
  };

  const follow = (next: Supervision): void => {
    state = next.state;
    for (const action of next.actions) act(action);
  };

  const hear = (input: SupervisorInput): void => follow(decideSupervision(state, input, clock.now(), policy));

  follow(beginSupervision(clock.now()));
  return { signal: (signal) => hear({ kind: 'signalled', signal }), ended };
};
