import { type CallbackClient, describeFailure } from '@taleback/outbox/src/callbacks-index.ts';
import { sentenceOf } from '../exit-code.ts';
import type { Letter } from './find-letters.ts';
import { REPLAYED } from './rename-away.ts';

/** What became of a letter. */
export interface Replayed {
  readonly letter: Letter;
  readonly isAccepted: boolean;
  readonly words: string;
}

/** Sends one letter, signed anew. Its substitute was sent when it was given up, so it is not sent again. */
const sendLetter = async (letter: Letter, client: CallbackClient): Promise<Replayed> => {
  const { content } = letter;
  if (!content.ok) return { letter, isAccepted: false, words: `unreadable: ${content.reason}` };
  const { url, messageId, payload } = content.entry.message;
  const delivery = await client.deliver({ url, messageId, payload });
  if (delivery.kind === 'kept') return { letter, isAccepted: false, words: delivery.cause };
  if (delivery.kind !== 'delivered') return { letter, isAccepted: false, words: describeFailure(delivery) };
  try {
    await letter.moveAway();
    return { letter, isAccepted: true, words: 'accepted' };
  } catch (error) {
    const words = `accepted, but it could not be moved to ${REPLAYED}/: ${sentenceOf(error)}`;
    return { letter, isAccepted: false, words };
  }
};

/** Sends letters one after the other, in their order. */
export const sendLetters = async (
  letters: readonly Letter[],
  client: CallbackClient,
  ended: (replayed: Replayed) => void,
): Promise<void> => {
  for (const letter of letters) ended(await sendLetter(letter, client));
};
