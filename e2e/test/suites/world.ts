import { createNames } from '@taleback/core';
import { pageUrlAs, type Reader, signInReader } from '@taleback/scripts/src/stack/reader.ts';
import type { Stack } from '@taleback/scripts/src/stack/stack.ts';
import type { Browser } from 'playwright-core';
import { type OpenPage, openPage } from '../../src/browser.ts';

/** What the suites share; filled in before the first test. */
export interface World {
  readonly stack: () => Stack;
  readonly browser: () => Browser;
}

/** Voices that the embedded engine has, and one that does not exist. */
export const CLARA = { voiceId: 'slt', voiceName: 'Clara' } as const;
export const GHOST = { voiceId: 'ghost', voiceName: 'Nobody' } as const;

/** How long a story of a few sentences may take beside other tests on two cores. */
export const STORY_MS = 120_000;

/**
 * A text that takes long enough to be in the middle of it: about seven minutes of audio. Its sentences differ from each other
 * and from those of other texts, or the cache would have it already.
 */
export const longText = (subject: string): string =>
  Array.from(
    { length: 80 },
    (_, index) =>
      `On day ${index + 1} the ${subject} lay down on the sand as if it were tired, and no one woke it before noon. `,
  ).join('');

let people = 0;

/** A person with an account of their own, through the client SDK. */
export const newPerson = async (world: World): Promise<Reader> => {
  people += 1;
  return signInReader(world.stack().addresses, `person-${people}`);
};

/** The page as that person sees it, signed in by the emulator's token, at a story when one is given. */
export const openAs = async (
  world: World,
  userId: string,
  storyId?: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<OpenPage> => {
  const opened = await openPage(world.browser(), pageUrlAs(userId, world.stack().addresses), options);
  if (storyId !== undefined) await opened.page.getByTestId(`story-item-${storyId}`).click();
  return opened;
};

/** Writes fields as a server does, past the rules: the emulator accepts them from a caller with the token `owner`. */
export const writeAsServer = async (
  { stack }: World,
  storyId: string,
  fields: Readonly<Record<string, object>>,
) => {
  const { firestoreHost, projectId } = stack().addresses;
  const documents = `http://${firestoreHost}/v1/projects/${projectId}/databases/(default)/documents`;
  const mask = Object.keys(fields).map((name) => `updateMask.fieldPaths=${name}`);
  const answer = await fetch(
    `${documents}/${createNames().collections.stories}/${storyId}?${mask.join('&')}`,
    {
      method: 'PATCH',
      headers: { authorization: 'Bearer owner', 'content-type': 'application/json' },
      body: JSON.stringify({ fields }),
    },
  );
  if (!answer.ok) throw new Error(`the emulator answered ${answer.status}: ${await answer.text()}`);
};
