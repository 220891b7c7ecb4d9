import { documentIdFault } from '@taleback/core';

/** Where the reader is: the list, the form for a new story, or one story. */
export type Route =
  | { readonly kind: 'home' }
  | { readonly kind: 'new' }
  | { readonly kind: 'story'; readonly storyId: string };

export const HOME_HREF = '#';
export const NEW_STORY_HREF = '#new';

export const storyHref = (storyId: string): string => `#story=${encodeURIComponent(storyId)}`;

/** Reads a route from an address's fragment; what it does not know leads home. */
export const parseRoute = (fragment: string): Route => {
  const parameters = new URLSearchParams(fragment.replace(/^#/, ''));
  const storyId = parameters.get('story');
  if (storyId !== null && documentIdFault(storyId) === undefined) return { kind: 'story', storyId };
  return parameters.has('new') ? { kind: 'new' } : { kind: 'home' };
};

/** Takes a sign-in token out of a fragment, so that it does not stay in the address bar. */
export const takeToken = (fragment: string): { token: string | undefined; rest: string } => {
  const parameters = new URLSearchParams(fragment.replace(/^#/, ''));
  const token = parameters.get('token') ?? undefined;
  parameters.delete('token');
  const rest = parameters.toString().replace(/^new=$/, 'new');
  return { token, rest: rest === '' ? '' : `#${rest}` };
};
