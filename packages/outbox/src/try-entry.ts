import { withoutTokens } from '@taleback/core';
import type { TryOutcome } from './callbacks-index.ts';
import { describeFault } from '@taleback/core';
import { decideNext, mayBeMistaken, type Next } from './decide-next.ts';
import type { Lane } from './destination.ts';
import type { EntryName } from './entry-name.ts';
import { giveUp } from './give-up.ts';
import { MAX_ENTRY_BYTES, type OutboxEntry, parseEntry } from './outbox-entry.ts';
import type { Finding, TurnEnd, TurnParts } from './turn.ts';

/** The process is short of something, and the file as good as ever. */
const PASSING_FAULTS: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EBUSY']);

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const isPassing = (error: unknown): boolean => PASSING_FAULTS.has((error as { code?: unknown } | null)?.code);

const findingOf = (outcome: TryOutcome, next: Next): Finding => {
  if (outcome.kind === 'address-refused') return 'nothing';
  const isTransient = next.kind === 'wait' || (next.kind === 'give-up' && next.why === 'expired');
  return isTransient ? 'unwell' : 'well';
};

const readEntry = async (
  { files, log }: TurnParts,
  { file }: EntryName,
): Promise<OutboxEntry | Extract<TurnEnd, { kind: 'poison' | 'gone' }>> => {
  const setAside = async (reason: string): Promise<{ kind: 'poison'; reason: string }> => {
    await files.setAside(file, reason);
    log('error', 'outbox entry set aside', { file, reason });
    return { kind: 'poison', reason };
  };
  let bytes: Uint8Array | undefined;
  try {
    bytes = await files.read(file, MAX_ENTRY_BYTES);
  } catch (error) {
    if (isPassing(error)) throw error;
    return setAside(`it cannot be read: ${wordsOf(error)}`);
  }
  if (bytes === undefined) return { kind: 'gone' };
  const parsed = parseEntry(bytes);
  return parsed.ok ? parsed.entry : setAside(parsed.reason);
};

/** Removes the file of a message that was accepted. Its story is told: a file that stays is no reason to tell it again. */
const removeDelivered = async ({ files, log }: TurnParts, { file }: EntryName): Promise<boolean> => {
  try {
    await files.remove(file);
    return true;
  } catch (error) {
    log('error', 'delivered callback could not be removed', { file, error: describeFault(error) });
    return false;
  }
};

/** Sends the entry, and says what the outcome means. */
const send = async (
  { sendOnce, policy, now, random }: TurnParts,
  { message, createdMs }: OutboxEntry,
  lane: Lane,
  signal: AbortSignal,
): Promise<{ readonly outcome: TryOutcome; readonly next: Next }> => {
  const { url, messageId, payload } = message;
  lane.firstTriedMs ??= now();
  const outcome = await sendOnce({ url, messageId, body: Buffer.from(JSON.stringify(payload)) }, signal);
  const nowMs = now();
  lane.unauthorizedSinceMs = mayBeMistaken(outcome) ? (lane.unauthorizedSinceMs ?? nowMs) : undefined;
  const { unauthorizedSinceMs, firstTriedMs } = lane;
  const sinceMs = Math.min(createdMs, firstTriedMs);
  const facts = { attempts: lane.attempts + 1, sinceMs, unauthorizedSinceMs, nowMs };
  return { outcome, next: decideNext(outcome, facts, policy, random) };
};

const takeTurn = async (
  parts: TurnParts,
  lane: Lane,
  signal: AbortSignal,
): Promise<readonly [TurnEnd, Finding]> => {
  const [name] = lane.entries;
  if (name === undefined) return [{ kind: 'gone' }, 'nothing'];
  if (lane.isDelivered) {
    await parts.files.remove(name.file);
    return [{ kind: 'gone' }, 'nothing'];
  }
  const entry = await readEntry(parts, name);
  if ('kind' in entry) return [entry, 'nothing'];
  const { outcome, next } = await send(parts, entry, lane, signal);
  if (signal.aborted && outcome.kind === 'unanswered') return [{ kind: 'interrupted' }, 'nothing'];
  const about = { url: withoutTokens(entry.message.url), messageId: entry.message.messageId };
  const finding = findingOf(outcome, next);
  switch (next.kind) {
    case 'delivered':
      return [{ kind: 'delivered', isLeft: !(await removeDelivered(parts, name)), about }, finding];
    case 'wait':
      return [{ ...next, about }, finding];
    case 'give-up':
      return [await giveUp(parts, name, entry, next, lane.attempts + 1), finding];
    default:
      return next satisfies never;
  }
};

/**
 * The turn of a lane's first entry: reads, sends, and does what follows on the disk. Every step may be the last before a
 * crash; what that leaves is in ARCHITECTURE.md. Never rejects.
 */
export const tryEntry = async (
  parts: TurnParts,
  lane: Lane,
  signal: AbortSignal,
): Promise<readonly [TurnEnd, Finding]> => {
  try {
    return await takeTurn(parts, lane, signal);
  } catch (error) {
    const file = lane.entries[0]?.file;
    parts.log('error', 'outbox is stuck', { file, error: describeFault(error) });
    return [{ kind: 'stuck', cause: wordsOf(error) }, 'nothing'];
  }
};
