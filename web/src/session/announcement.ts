import type { NarrationKind } from '../documents/narration.ts';
import type { ViewKind } from '../live/view.ts';

/** What of the page is worth telling when it changes. */
export interface Moment {
  readonly storyId: string | undefined;
  readonly narration: NarrationKind | undefined;
  readonly connection: ViewKind;
}

/** A failure has no line here: its alert announces it. */
const NARRATION_NEWS: Readonly<Record<NarrationKind, string | undefined>> = {
  none: undefined,
  pending: 'The story is waiting for the narrator.',
  processing: 'The narrator has begun.',
  ready: 'The narration is ready.',
  failed: undefined,
  silent: 'There has been no word from the narrator. You can try again.',
};

const CONNECTION_NEWS: Readonly<Record<ViewKind, string | undefined>> = {
  connecting: undefined,
  live: 'Connected again.',
  stale: 'Contact was lost. What you see may be out of date.',
  offline: 'Offline: there is no contact with the server. What you see may be out of date.',
  denied: 'This story is not open to you.',
};

/** The words for a change, undefined when there is nothing to announce. The first data is no change. */
export const announce = (before: Moment, after: Moment): string | undefined => {
  const isSameStory = before.storyId === after.storyId;
  const wasKnown = before.narration !== undefined;
  if (isSameStory && wasKnown && after.narration !== undefined && before.narration !== after.narration) {
    return NARRATION_NEWS[after.narration];
  }
  if (!isSameStory || before.connection === after.connection) return undefined;
  const isFirstContact = before.connection === 'connecting' && after.connection === 'live';
  return isFirstContact ? undefined : CONNECTION_NEWS[after.connection];
};
