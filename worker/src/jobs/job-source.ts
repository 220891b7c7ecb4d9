import { parseJson } from '@taleback/core';
import { type Handler, parseEvent } from '@taleback/handler';
import type { BulkheadRequest } from '@taleback/resilience';
import type { PoolSnapshot } from '@taleback/speech';
import type { StreamHealth } from '../health/stream.ts';

/** Where jobs come from. */
export interface JobSource {
  /** Begins to take jobs. Resolves once jobs can come in, or when it is drained; rejects when it cannot begin. */
  start(handler: Handler): Promise<void>;
  /** Whether jobs can come in now. */
  health(): StreamHealth;
  /** Resolves, with a sentence, when no jobs could come in for too long, or never will: the process has to end. */
  readonly dead: Promise<string>;
  /**
   * Takes no more jobs and waits for those under way. After `graceMs` they are aborted and given back, so that
   * another worker takes them.
   */
  drain(graceMs: number): Promise<void>;
}

/** The state of the speech service, as far as it decides how many jobs are taken. */
export interface CapacityInput {
  readonly phase: { readonly kind: 'starting' | 'running' | 'stopping' };
  readonly protection: { readonly active: boolean };
  readonly pool?: PoolSnapshot | undefined;
}

/**
 * Stories that may be narrated at once: one for each speech process that can work, `most` at most. None while the
 * service starts, stops or protects the machine: a story that is taken then would only fail, and another worker may have room.
 */
export const storyCapacity = ({ phase, protection, pool }: CapacityInput, most: number): number => {
  if (phase.kind !== 'running' || protection.active || pool === undefined) return 0;
  const able = pool.workers.filter(
    ({ state, breaker }) =>
      (state === 'READY' || state === 'BUSY') && breaker !== 'OPEN' && breaker !== 'ISOLATED',
  );
  return Math.min(able.length, most);
};

/** A job as it was queued: the event, undefined when it is not JSON, and whose turn it uses. */
export const readQueuedJob = (data: Buffer): { readonly event: unknown; readonly turn: BulkheadRequest } => {
  const event = parseJson(data);
  const parsed = parseEvent(event);
  return { event, turn: parsed.ok ? { tenant: parsed.job.userId, priority: parsed.job.priority } : {} };
};
