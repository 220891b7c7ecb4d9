import type { StoryMessage } from '@taleback/core';
import { safeSegment } from '@taleback/core/storage';

/** Whom a story and one of its attempts belong to. Old documents may name neither. */
export interface Owners {
  /** The story's `userId` as it stands. */
  readonly userId: string | undefined;
  /** Who asked for the attempt: another than the owner after a story was given away. */
  readonly requestedBy: string | undefined;
}

/** A key of the store or an address of the audio, with the field it came in. */
export interface NamedPlace {
  readonly field: string;
  readonly path: string;
}

/** The worker's folder for audio of jobs that named no user. */
export const NO_USERS_FOLDER = 'unknown';
const MAX_DECODINGS = 3;
/** A path with more folders of users in it is not ours; reading on would cost time. */
const MAX_PRIVATE_PARTS = 8;

/** A text and its percent-decoded forms. */
const spellings = (text: string): string[] => {
  const all = [text];
  for (let last = text; last.includes('%') && all.length <= MAX_DECODINGS; ) {
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
  // The worker shortens a long name.
  rest.startsWith(`${safeSegment(userId)}/`);

/** What follows `private/users/`, anywhere in the path, however it is written. */
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

/** The people of a story: the requester of the attempt counts as well, because a job under way keeps its names. */
const peopleOf = ({ userId, requestedBy }: Owners): string[] =>
  [userId, requestedBy].filter((one) => one !== undefined);

/** Whether a message names another user than those of its story; that is for the log only. */
export const isOfOtherUser = (userId: string | undefined, owners: Owners): boolean =>
  userId !== undefined && owners.userId !== undefined && !peopleOf(owners).includes(userId);

/**
 * Finds audio in the private folder of another user (`private/users/{user}/…`), which the story's owner would see. A
 * story without an owner is visible to no user.
 */
export const findForeignPlace = (places: readonly NamedPlace[], owners: Owners): NamedPlace | undefined =>
  owners.userId === undefined
    ? undefined
    : places.find(({ path }) => !isOwnPlace(path, [...peopleOf(owners), NO_USERS_FOLDER]));

/** The places that a message names. */
export const placesOf = (message: StoryMessage): readonly NamedPlace[] => {
  if (message.kind !== 'ready') return [];
  const named = { storage_path: message.storagePath, audio_url: message.audioUrl };
  return Object.entries(named).flatMap(([field, path]) => (path === undefined ? [] : [{ field, path }]));
};

/** Whether a story of these owners may get the audio that the message names. */
export const admitsAudio =
  (message: StoryMessage) =>
  (owners: Owners): boolean =>
    findForeignPlace(placesOf(message), owners) === undefined;
