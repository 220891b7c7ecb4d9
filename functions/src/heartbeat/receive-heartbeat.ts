import { type Heartbeat, type Log, parseHeartbeat } from '@taleback/core';
import { RETRY_AFTER_SECONDS, type Refusal } from '../http/answer.ts';
import { withoutStopping } from './menu.ts';

/**
 * - `kept`: written, or nothing was due; `isNews` if it says something else than the worker's last one
 * - `store-away`: it is not known whether it was written; sending it again is safe
 */
export type KeepOutcome =
  | { readonly kind: 'kept'; readonly isNews: boolean }
  | { readonly kind: 'store-away'; readonly cause: string };

export interface HeartbeatOptions {
  readonly keep: (heartbeat: Heartbeat, nowMs: number) => Promise<KeepOutcome>;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Handles the body of `POST /api/tts/heartbeat`, for workers that have no credentials of Firestore. A heartbeat that
 * comes twice, or late, does no harm: the next one follows within a minute.
 */
export const receiveHeartbeat = async (
  body: unknown,
  { keep, log, now }: HeartbeatOptions,
): Promise<Refusal | { readonly kind: 'accepted'; readonly commands: readonly [] }> => {
  const parsed = parseHeartbeat(body);
  if (!parsed.ok) return { kind: 'wrong-shape', sentence: parsed.sentence };
  const heartbeat = withoutStopping(parsed.value);
  const { workerId, state, leftOut } = heartbeat;
  if (leftOut > 0) log('warn', 'odd voices and languages left out', { workerId, state, leftOut });
  const outcome = await keep(heartbeat, now());
  if (outcome.kind === 'store-away') {
    log('error', 'Firestore is away', { workerId, state, cause: outcome.cause });
    return { kind: 'heartbeat-not-kept', retryAfterSeconds: RETRY_AFTER_SECONDS };
  }
  if (outcome.isNews) log('info', 'worker reported news', { workerId, state });
  return { kind: 'accepted', commands: [] };
};
