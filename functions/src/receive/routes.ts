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
import type { Claims } from './ownership.ts';

/** A parsed callback: the story it is about, what it says, and whom it names. */
export interface Told {
  readonly storyId: string;
  readonly message: StoryMessage;
  readonly claims: Claims;
}

type ParseMessage = (body: unknown) => Parsed<Told>;

const placesOf = (message: StoryMessage): Claims['places'] => {
  if (message.kind !== 'ready') return [];
  const { audioUrl, storagePath } = message;
  return [
    ...(storagePath === undefined ? [] : [{ field: 'storage_path', path: storagePath }]),
    ...(audioUrl === undefined ? [] : [{ field: 'audio_url', path: audioUrl }]),
  ];
};

const route =
  <T extends { readonly storyId: string; readonly userId?: string | undefined }>(
    parse: (body: unknown) => Parsed<T>,
    toMessage: (callback: T) => StoryMessage,
  ): ParseMessage =>
  (body) => {
    const parsed = parse(body);
    if (!parsed.ok) return parsed;
    const { storyId, userId } = parsed.value;
    const message = toMessage(parsed.value);
    return { ok: true, value: { storyId, message, claims: { userId, places: placesOf(message) } } };
  };

const MESSAGE_ROUTES: ReadonlyMap<string, ParseMessage> = new Map([
  ['callback', route(parseSuccessCallback, messageFromSuccess)],
  ['error-callback', route(parseErrorCallback, messageFromError)],
  ['progress', route(parseProgress, messageFromProgress)],
]);

export type Route =
  | { readonly kind: 'message'; readonly name: string; readonly parse: ParseMessage }
  | { readonly kind: 'generate' }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'webhook' }
  | { readonly kind: 'health' };

/** Finds the route for a path: `/api/tts/callback` behind Hosting, `/callback` when the function is called itself. */
export const findRoute = (pathname: string): Route | undefined => {
  const name = /^(?:\/api\/tts)?\/([a-z-]+)\/?$/.exec(pathname)?.[1];
  if (name === undefined) return undefined;
  if (name === 'health' || name === 'generate' || name === 'heartbeat') return { kind: name };
  if (name === 'runpod-webhook') return { kind: 'webhook' };
  const parse = MESSAGE_ROUTES.get(name);
  return parse === undefined ? undefined : { kind: 'message', name, parse };
};

/** The methods of a route, as `Allow` lists them. */
export const methodsOf = (route: Route): string => (route.kind === 'health' ? 'GET, HEAD' : 'POST');
