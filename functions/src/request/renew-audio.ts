import { trustedStoragePath } from '@taleback/core/storage';
import { isOwnPlace, type Log, NO_USERS_FOLDER } from '../receive/index.ts';
import { parseAudioRequest } from './parse-request.ts';
import type { AddressDecision, AddressStore, StoryAddress } from './ports.ts';
import { signedAtMs } from './signed-at.ts';

/** How a wish for a new address of a narration ends. */
export type RenewAnswer =
  /** `unchanged`: what the story has is as good as any other. */
  | { readonly kind: 'renewed' | 'unchanged' }
  | { readonly kind: 'invalid'; readonly sentence: string }
  | { readonly kind: 'no-such-story' }
  | { readonly kind: 'store-away' | 'audio-store-away'; readonly cause: string };

export interface RenewOptions {
  readonly addresses: AddressStore;
  /** Where audio of a key can be played; undefined when nobody here knows. */
  readonly audioUrlOf: ((storagePath: string) => Promise<string>) | undefined;
  readonly now: () => number;
  readonly log: Log;
}

/** An address that is younger does not play for another reason. */
const YOUNG_MS = 60_000;

const decideAddress = async (
  story: StoryAddress | undefined,
  userId: string,
  { audioUrlOf, now }: RenewOptions,
): Promise<AddressDecision> => {
  if (story === undefined || story.userId !== userId) return { kind: 'no-such-story' };
  const { audioUrl } = story;
  const storagePath = trustedStoragePath(story.storagePath);
  if (
    audioUrlOf === undefined ||
    storagePath === undefined ||
    !isOwnPlace(storagePath, [userId, NO_USERS_FOLDER])
  )
    return { kind: 'unchanged' };
  if (audioUrl !== undefined) {
    const signedMs = signedAtMs(audioUrl);
    // What was never signed does not run out, and whoever published it knows where.
    if (signedMs === undefined || now() - signedMs < YOUNG_MS) return { kind: 'unchanged' };
  }
  try {
    const fresh = await audioUrlOf(storagePath);
    return fresh === audioUrl ? { kind: 'unchanged' } : { kind: 'renewed', audioUrl: fresh };
  } catch (error) {
    return { kind: 'audio-store-away', cause: error instanceof Error ? error.message : String(error) };
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
  const outcome = await options.addresses.readdress(storyId, (story) =>
    decideAddress(story, userId, options),
  );
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
