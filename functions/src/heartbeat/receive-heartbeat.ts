import { type DeleteCommand, type Log, parseHeartbeat } from '@taleback/core';
import type { Refusal } from '../http/answer.ts';
import type { DeletionStore } from '../stories/deletions.node.ts';
import type { HeartbeatStore } from './heartbeat-store.node.ts';
import { withoutStopping } from './menu.ts';

export interface HeartbeatOptions extends Pick<HeartbeatStore, 'keep'> {
  /** Default: workers are sent none. */
  readonly deletions?: Pick<DeletionStore, 'listFinished'> | undefined;
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
  { keep, deletions, log, now }: HeartbeatOptions,
): Promise<Refusal | { readonly kind: 'accepted'; readonly commands: readonly DeleteCommand[] }> => {
  const parsed = parseHeartbeat(body);
  if (!parsed.ok) return { kind: 'wrong-shape', sentence: parsed.sentence };
  const heartbeat = withoutStopping(parsed.value);
  const { workerId, state, leftOut } = heartbeat;
  if (leftOut > 0) log('warn', 'odd voices and languages left out', { workerId, state, leftOut });
  const outcome = await keep(heartbeat, now());
  if (outcome.kind === 'store-away') {
    log('error', 'Firestore is away', { workerId, state, cause: outcome.cause });
    return { kind: 'heartbeat-not-kept' };
  }
  const { isNews, menuFault } = outcome;
  if (menuFault !== undefined) log('warn', 'the menu could not be written', { workerId, cause: menuFault });
  if (isNews) log('info', 'worker reported news', { workerId, state });
  const { deletionsAfter } = heartbeat;
  if (deletions === undefined || deletionsAfter === undefined) return { kind: 'accepted', commands: [] };
  const listed = await deletions.listFinished(deletionsAfter);
  if (listed.kind === 'listed') return { kind: 'accepted', commands: listed.commands };
  log('error', 'Firestore is away', { workerId, state, cause: listed.cause });
  // The worker asks again with its next heartbeat.
  return { kind: 'accepted', commands: [] };
};
