import { assertNever } from '../checks/index.ts';
import type { Backoff, Random } from './backoff.ts';

export interface DelayBounds {
  readonly minMs: number;
  /** Reached only without jitter; with jitter the delay stays below it. */
  readonly maxMs: number;
}

/**
 * The delay before retry `retry` (1-based: 1 follows the first attempt) without chance, ms.
 * exponential: `clamp(minMs, initialMs * factor^(retry - 1), maxMs)` · schedule: the entry, or the last one.
 */
export function nominalDelayMs(backoff: Backoff, retry: number): number {
  if (backoff.kind === 'schedule') {
    return backoff.delaysMs[Math.min(retry, backoff.delaysMs.length) - 1] ?? 0;
  }
  // 0 * Infinity is NaN: an initial delay of 0 stays 0 however late the retry.
  const grown = backoff.initialMs === 0 ? 0 : backoff.initialMs * (backoff.factor ?? 2) ** (retry - 1);
  return Math.max(backoff.minMs ?? 0, Math.min(backoff.maxMs, grown));
}

/** Where the delay before retry `retry` lies, ms. */
export function delayBounds(backoff: Backoff, retry: number): DelayBounds {
  const nominalMs = nominalDelayMs(backoff, retry);
  const floorMs = backoff.kind === 'exponential' ? (backoff.minMs ?? 0) : 0;
  switch (backoff.jitter) {
    case 'none':
      return { minMs: nominalMs, maxMs: nominalMs };
    case 'full':
      return { minMs: floorMs, maxMs: nominalMs };
    case 'equal':
      return { minMs: Math.max(floorMs, nominalMs / 2), maxMs: nominalMs };
    default:
      return assertNever(backoff.jitter);
  }
}

/** The delay before retry `retry`, spread by jitter, ms: `minMs + random * (maxMs - minMs)` of its bounds. */
export function backoffDelayMs(backoff: Backoff, retry: number, random: Random = Math.random): number {
  const { minMs, maxMs } = delayBounds(backoff, retry);
  return minMs === maxMs ? minMs : minMs + random() * (maxMs - minMs);
}

/** The first `retries` delays without chance, ms: the schedule as people read it. */
export function backoffSchedule(backoff: Backoff, retries: number): number[] {
  return Array.from({ length: retries }, (_, index) => nominalDelayMs(backoff, index + 1));
}
