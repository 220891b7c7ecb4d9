import {
  messageFromError,
  messageFromProgress,
  messageFromSuccess,
  type Parsed,
  parseErrorCallback,
  parseProgress,
  parseSuccessCallback,
  type StoryMessage,
} from '@taleback/core';

/** A parsed callback: the story it is about and what it says. */
export interface Told {
  readonly storyId: string;
  readonly message: StoryMessage;
}

type ParseMessage = (body: unknown) => Parsed<Told>;

const route =
  <T extends { readonly storyId: string }>(
    parse: (body: unknown) => Parsed<T>,
    toMessage: (callback: T) => StoryMessage,
  ): ParseMessage =>
  (body) => {
    const parsed = parse(body);
    if (!parsed.ok) return parsed;
    return { ok: true, value: { storyId: parsed.value.storyId, message: toMessage(parsed.value) } };
  };

const MESSAGE_ROUTES: ReadonlyMap<string, ParseMessage> = new Map([
  ['callback', route(parseSuccessCallback, messageFromSuccess)],
  ['error-callback', route(parseErrorCallback, messageFromError)],
  ['progress', route(parseProgress, messageFromProgress)],
]);

export type Route =
  | { readonly kind: 'message'; readonly name: string; readonly parse: ParseMessage }
  | { readonly kind: 'health' };

/** Finds the route for a path: `/api/tts/callback` behind Hosting, `/callback` when the function is called itself. */
export const findRoute = (pathname: string): Route | undefined => {
  const name = /^(?:\/api\/tts)?\/([a-z-]+)\/?$/.exec(pathname)?.[1];
  if (name === undefined) return undefined;
  if (name === 'health') return { kind: 'health' };
  const parse = MESSAGE_ROUTES.get(name);
  return parse === undefined ? undefined : { kind: 'message', name, parse };
};
