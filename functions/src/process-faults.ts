import { describeFault, type Log } from '@taleback/core';

type Origin = 'unhandledRejection' | 'uncaughtException';

/** The part of `process` that is used. */
export interface WatchedProcess {
  on(event: 'unhandledRejection', hear: (fault: unknown) => void): unknown;
  on(event: 'uncaughtExceptionMonitor', hear: (fault: unknown, origin: Origin) => void): unknown;
  listenerCount(event: 'unhandledRejection'): number;
}

/**
 * Logs and counts unhandled rejections and uncaught exceptions. What the platform does with them stays as it is: mostly it
 * ends the instance.
 *
 * @see docs/origins.md#process-faults
 */
export const watchProcessFaults = (process: WatchedProcess, log: Log): void => {
  let count = 0;
  let raised: { readonly fault: unknown } | undefined;
  const note = (origin: Origin, fault: unknown): void => {
    count += 1;
    log('error', 'process fault', { origin, error: describeFault(fault), count });
  };
  process.on('uncaughtExceptionMonitor', (fault, origin) => {
    if (raised === undefined || raised.fault !== fault) note(origin, fault);
    raised = undefined;
  });
  process.on('unhandledRejection', (fault) => {
    note('unhandledRejection', fault);
    if (process.listenerCount('unhandledRejection') > 1) return;
    // Alone, this listener would keep Node from ending the process, as it does without any.
    raised = { fault };
    throw fault;
  });
};
