import { describeFault, type Log } from '@taleback/core';
import { type Clock, tryWithDeadline } from '@taleback/resilience';
import type { FaultOrigin, SynthesisListener } from '@taleback/speech';

const ORIGINS = ['unhandledRejection', 'uncaughtException'] as const satisfies readonly FaultOrigin[];
const FAULT_EXIT_CODE = 1;

/** The part of `process` that is used. */
export interface FaultyProcess {
  on(origin: FaultOrigin, hear: (fault: unknown) => void): unknown;
  off(origin: FaultOrigin, hear: (fault: unknown) => void): unknown;
  exit(code: number): void;
}

export interface ProcessFaultsOptions {
  readonly process: FaultyProcess;
  readonly log: Log;
  readonly record: SynthesisListener;
  /** Finishes or gives back what is under way. Called once. */
  readonly drain: () => Promise<void>;
  /** Longest time for it, ms. */
  readonly drainMs: number;
  readonly clock: Clock;
}

/**
 * Ends the process in order after an uncaught fault: it is logged and counted, what is under way is drained once, and
 * the process ends with 1 so that whatever runs it starts a fresh one. It could only go on in an unknown state.
 *
 * A fault while it drains is logged and counted too, and changes nothing else. A fault in here ends the process at once.
 *
 * @returns removes the handlers
 * @see docs/origins.md#process-faults
 */
export const installProcessFaults = (options: ProcessFaultsOptions): (() => void) => {
  const { process, log, record, clock, drainMs } = options;
  let isHandling = false;
  let isDraining = false;

  const leave = (): void => process.exit(FAULT_EXIT_CODE);

  const drainThenLeave = async (): Promise<void> => {
    try {
      const outcome = await tryWithDeadline(options.drain, drainMs, { clock });
      if (outcome.kind === 'timed-out') log('error', 'drain after a fault took too long', { drainMs });
    } catch (error) {
      log('error', 'drain after a fault failed', { error: describeFault(error) });
    } finally {
      leave();
    }
  };

  const handle = (origin: FaultOrigin, fault: unknown): void => {
    if (isHandling) return leave();
    isHandling = true;
    try {
      log('error', 'process fault', { origin, error: describeFault(fault), whileDraining: isDraining });
      record({ kind: 'process-fault', origin });
      isHandling = false;
    } catch {
      return leave();
    }
    if (isDraining) return;
    isDraining = true;
    void drainThenLeave();
  };

  const handlers = ORIGINS.map((origin) => ({ origin, hear: (fault: unknown) => handle(origin, fault) }));
  for (const { origin, hear } of handlers) process.on(origin, hear);
  return () => {
    for (const { origin, hear } of handlers) process.off(origin, hear);
  };
};
