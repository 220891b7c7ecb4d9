import { withoutTokens } from '@taleback/core';
import { substituteFor } from './callbacks-index.ts';
import { describeFault } from '@taleback/core';
import { recordKey } from '@taleback/worker/src/storage/index.ts';
import { formatDeadLetter } from './dead-letter.ts';
import type { Next } from './decide-next.ts';
import { type EntryName, nameSubstitute } from './entry-name.ts';
import { formatEntry, type OutboxEntry } from './outbox-entry.ts';
import type { TurnEnd, TurnParts } from './turn.ts';

/** Folder of the audio store for messages that were given up, as in the source systems. */
export const FAILED_CALLBACKS = 'failed_callbacks';

/**
 * The end of a message that is given up: its substitute is written, then it is kept in the store, or else set aside, and
 * its file goes last. A crash between any two steps has all of them done again, with the same names.
 *
 * @throws what the disk says
 */
export const giveUp = async (
  { files, records, log, now }: TurnParts,
  name: EntryName,
  entry: OutboxEntry,
  { why, delivery }: Extract<Next, { kind: 'give-up' }>,
  attempts: number,
): Promise<TurnEnd> => {
  const { message } = entry;
  const owed = substituteFor(message, delivery);
  const substitute = owed === undefined ? undefined : nameSubstitute(name, owed);
  if (owed !== undefined && substitute !== undefined)
    await files.write(substitute.file, formatEntry({ message: owed, createdMs: now() }));
  const about = { url: withoutTokens(message.url), messageId: message.messageId };
  const end = { kind: 'given-up', why, delivery, substitute, about } as const;
  try {
    const key = recordKey(FAILED_CALLBACKS, message.payload.story_id, name.stamp);
    await records.keep(key, formatDeadLetter(entry, { why, delivery, attempts, atMs: now() }));
  } catch (error) {
    const fault = describeFault(error);
    log('error', 'failed callback could not be kept', { ...about, file: name.file, error: fault });
    await files.setAside(name.file, `${why}, and the store would not take it: ${fault.message}`);
    return { ...end, isSetAside: true };
  }
  await files.remove(name.file);
  return { ...end, isSetAside: false };
};
