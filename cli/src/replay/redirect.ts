import type { Letter } from './find-letters.ts';

const FOLDER = '/api/tts/';

/**
 * The letter for another receiver, such as when the one that it names is gone. What is no address of a receiver cannot be
 * redirected and tells so.
 *
 * @param receiverUrl base address, without /api/tts
 */
export const redirect = (letter: Letter, receiverUrl: string): Letter => {
  const { content } = letter;
  if (!content.ok) return letter;
  const { entry } = content;
  const { pathname, search } = new URL(entry.message.url);
  const start = pathname.lastIndexOf(FOLDER);
  if (start === -1)
    return { ...letter, content: { ok: false, reason: `its address has no ${FOLDER} in it` } };
  const message = { ...entry.message, url: `${receiverUrl}${pathname.slice(start)}${search}` };
  return { ...letter, content: { ok: true, entry: { ...entry, message } } };
};
