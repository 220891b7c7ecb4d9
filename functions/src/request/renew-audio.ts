import { errorWords, type Log } from '@taleback/core';
import { trustedStoragePath } from '@taleback/core/storage';
import { isOwnPlace, NO_USERS_FOLDER } from '../stories/ownership.ts';
import type { AddressDecision, StoryAddress, StoryStore } from '../stories/firestore-stories.node.ts';
import { parseAudioRequest } from './request-audio.ts';

/** How a request for a new address of a narration ends. */
export type RenewAnswer =
  | { readonly kind: 'renewed' }
  /** The story's address is as good as any other. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'invalid'; readonly sentence: string }
  | { readonly kind: 'no-such-story' }
  | { readonly kind: 'store-away' | 'audio-store-away'; readonly cause: string };

export interface RenewOptions {
  readonly stories: Pick<StoryStore, 'readdress'>;
  /** Where audio of a key can be played; undefined when this deployment does not know. */
  readonly audioUrlOf: ((storagePath: string) => Promise<string>) | undefined;
  readonly now: () => number;
  readonly log: Log;
}

/** A younger address does not play for another reason than its age. */
const YOUNG_MS = 60_000;

/** `20261121T170000Z` in signed addresses; the parameter's name is Amazon's or Google's. */
const BASIC_TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** When an address of a bucket was signed, unix milliseconds; undefined when it is not signed. */
export const signedAtMs = (address: string): number | undefined => {
  if (!URL.canParse(address)) return undefined;
  const { searchParams } = new URL(address);
  const time = searchParams.get('X-Amz-Date') ?? searchParams.get('X-Goog-Date') ?? '';
  if (!BASIC_TIME.test(time)) return undefined;
  const atMs = Date.parse(time.replace(BASIC_TIME, '$1-$2-$3T$4:$5:$6Z'));
  return Number.isNaN(atMs) ? undefined : atMs;
};

const decideAddress = async (
  story: StoryAddress | undefined,
  userId: string,
  { audioUrlOf, now }: RenewOptions,
): Promise<AddressDecision> => {
  if (story?.userId !== userId) return { kind: 'no-such-story' };
  const { audioUrl } = story;
  const storagePath = trustedStoragePath(story.storagePath);
  if (audioUrlOf === undefined || storagePath === undefined) return { kind: 'unchanged' };
  if (!isOwnPlace(storagePath, [userId, NO_USERS_FOLDER])) return { kind: 'unchanged' };
  // An address that was never signed does not expire.
  const signedMs = audioUrl === undefined ? Number.NEGATIVE_INFINITY : (signedAtMs(audioUrl) ?? now());
  if (now() - signedMs < YOUNG_MS) return { kind: 'unchanged' };
  try {
    const fresh = await audioUrlOf(storagePath);
    return fresh === audioUrl ? { kind: 'unchanged' } : { kind: 'renewed', audioUrl: fresh };
  } catch (error) {
    return { kind: 'audio-store-away', cause: errorWords(error) };
  }
};

/** Gives a person's own story another address of its audio: signed ones run out after days. */
export const renewAudio = async (
  userId: string,
  data: unknown,
  options: RenewOptions,
): Promise<RenewAnswer> => {
  const parsed = parseAudioRequest(data);
  if (!parsed.ok) return { kind: 'invalid', sentence: parsed.sentence };
  const { storyId } = parsed.value;
  const outcome = await options.stories.readdress(storyId, (story) => decideAddress(story, userId, options));
  switch (outcome.kind) {
    case 'renewed':
      options.log('info', 'audio address renewed', { storyId });
      return { kind: 'renewed' };
    case 'store-away':
    case 'audio-store-away':
      options.log('warn', 'audio address not renewed', { storyId, ...outcome });
      return outcome;
    default:
      return outcome;
  }
};
