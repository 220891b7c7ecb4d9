import type { StoryMessage } from '@taleback/core';

/** Whom a story and one of its attempts belong to. Old documents may name neither. */
export interface Owners {
  /** The story's `userId` as it stands. */
  readonly userId: string | undefined;
  /** Who asked for the attempt: another than the owner after a story was given away. */
  readonly requestedBy: string | undefined;
}

/** The people and places that a message names. */
export interface Claims {
  readonly userId: string | undefined;
  /** Keys of the store and addresses of the audio, each with the field it came in. */
  readonly places: readonly { readonly field: string; readonly path: string }[];
}

/** How a message contradicts the story that it names. */
export type Contradiction =
  | { readonly kind: 'other-user' }
  | { readonly kind: 'other-users-folder'; readonly field: string };

/** The worker's folder for audio of jobs that named no user. */
export const NO_USERS_FOLDER = 'unknown';
const MAX_DECODINGS = 3;
/** A path with more folders of users in it is not ours; reading on would cost time. */
const MAX_PRIVATE_PARTS = 8;
/** The worker shortens longer names to their beginning and a hash. @see packages/core/src/storage/audio-key.ts */
const LEGIBLE_CHARACTERS = 100;

/** A text and its percent-decoded forms. */
const spellings = (text: string): string[] => {
  const all = [text];
  for (let last = text; all.length <= MAX_DECODINGS; ) {
    try {
      last = decodeURIComponent(last);
    } catch {
      break;
    }
    if (last === all.at(-1)) break;
    all.push(last);
  }
  return all;
};

const isInFolderOf = (userId: string, rest: string): boolean =>
  spellings(rest).some((spelling) =>
    spellings(userId).some((name) => spelling === name || spelling.startsWith(`${name}/`)),
  ) ||
  (userId.length > LEGIBLE_CHARACTERS &&
    rest.startsWith(`${encodeURIComponent(userId).slice(0, LEGIBLE_CHARACTERS)}-`));

/** What follows `private/users/`, wherever that stands in the path, however it is written. */
const privateParts = (path: string): string[] =>
  spellings(path).flatMap((spelling) => {
    const plain = spelling.replaceAll('\\', '/').replace(/\/{2,}/g, '/');
    const found = [...plain.matchAll(/(?<=^|\/)private\/users\//gi)].slice(0, MAX_PRIVATE_PARTS + 1);
    return found.map((part) => plain.slice(part.index + part[0].length));
  });

const climbs = (path: string): boolean =>
  spellings(path).some((spelling) => /(?:^|[/\\])\.\.?(?:[/\\]|$)/.test(spelling));

const pathOf = (place: string): string => (URL.canParse(place) ? new URL(place).pathname : place);

/** Whether a place is outside of all private folders, or in the one of these users. */
export const isOwnPlace = (place: string, userIds: readonly string[]): boolean => {
  const path = pathOf(place);
  const parts = privateParts(path);
  if (climbs(path) || parts.length > MAX_PRIVATE_PARTS) return false;
  return parts.every((rest) => userIds.some((userId) => isInFolderOf(userId, rest)));
};

/**
 * Finds what in a message contradicts its story: another user, or audio in the private folder of another user
 * (`private/users/{user}/…`), which the story's owner would then see. The requester of the attempt counts as well as
 * the present owner, because a job under way keeps its names. A story without an owner is visible to no user and
 * contradicts nothing.
 */
export const findContradiction = (claims: Claims, owners: Owners): Contradiction | undefined => {
  const { userId, requestedBy } = owners;
  if (userId === undefined) return undefined;
  const people = requestedBy === undefined ? [userId] : [userId, requestedBy];
  if (claims.userId !== undefined && !people.includes(claims.userId)) return { kind: 'other-user' };
  const foreign = claims.places.find(({ path }) => !isOwnPlace(path, [...people, NO_USERS_FOLDER]));
  return foreign === undefined ? undefined : { kind: 'other-users-folder', field: foreign.field };
};

/** The places that a message names, as a callback has them. */
export const placesIn = (message: StoryMessage): Claims['places'] => {
  if (message.kind !== 'ready') return [];
  const named = { storage_path: message.storagePath, audio_url: message.audioUrl };
  return Object.entries(named).flatMap(([field, path]) => (path === undefined ? [] : { field, path }));
};

/** Whether a story of these owners may get the audio that the message names. */
export const admitsAudio =
  (message: StoryMessage) =>
  (owners: Owners): boolean =>
    findContradiction({ userId: undefined, places: placesIn(message) }, owners) === undefined;
