import { type CallbackMessage, describeFailure, type FailedDelivery } from './callback-message.ts';

/** The receiver does not know the story: nobody waits for a word about it. */
const STORY_GONE: ReadonlySet<number> = new Set([404, 410]);

/** The message that is owed after a failed delivery, if any. */
export const substituteFor = (
  { substitute }: CallbackMessage,
  delivery: FailedDelivery,
): CallbackMessage | undefined => {
  if (substitute === undefined) return undefined;
  if (delivery.kind === 'refused' && STORY_GONE.has(delivery.status)) return undefined;
  return { ...substitute, payload: { ...substitute.payload, error_details: describeFailure(delivery) } };
};
