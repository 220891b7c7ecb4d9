import { mayUseVoice, type RegisteredVoice, textOf } from '@taleback/core';
import type { Fields } from './documents.ts';
import type { Denial, Judged, OpeningWrites } from './opening.ts';

/** The voices that the configuration lets everyone use, registered or not. */
export interface ListedVoices {
  /** Of a story that names none. */
  readonly defaultVoice: string;
  /** Further ones. */
  readonly sharedVoices?: readonly string[];
}

export const isListed = (voiceId: string, { defaultVoice, sharedVoices = [] }: ListedVoices): boolean =>
  voiceId === defaultVoice || sharedVoices.includes(voiceId);

/** Of a voice that is closed, of another user's, and of one that does not exist: a stranger learns of none. */
const NOT_ALLOWED = {
  kind: 'unfit',
  code: 'voice_not_allowed',
  field: 'voiceId',
  sentence: 'voiceId: this voice is not available to the owner of the story; choose another voice',
} as const satisfies Denial;

/**
 * Decides whether the voice of an opening may be used. The attempt records for whom a server chose it, so that retries pass.
 * The voice of a story that another server narrated was that server's choice.
 *
 * @param entries of the register, for the voice's id
 * @param last the story's last attempt
 */
export const admitVoice = (
  judged: Extract<Judged, { writes: OpeningWrites }>,
  entries: readonly RegisteredVoice[],
  last: Fields | undefined,
): Judged => {
  const { decision, writes } = judged;
  const { job, voice } = decision;
  const { user_id: userId } = job.input.metadata;
  const isForeign = judged.hasEnded && !(Number(last?.['number']) > 0);
  const isOfServer = voice.chosenBy === 'server' || isForeign;
  const chosenFor = isOfServer ? userId : textOf(last?.['voiceChosenFor']);
  const isForUser = chosenFor === userId;
  // A recording belongs to the user that its server named, wherever it lies.
  const hasRecording = (job.input.profile_path ?? job.input.recording_path) !== undefined;
  const isOthersRecording = hasRecording && chosenFor !== undefined && !isForUser;
  const use = { userId, chosenBy: isForUser ? 'server' : 'person', isListed: voice.isListed } as const;
  if (isOthersRecording || !mayUseVoice(entries, use)) return { decision: NOT_ALLOWED };
  if (!isForUser) return judged;
  return { ...judged, writes: { ...writes, attempt: { ...writes.attempt, voiceChosenFor: userId } } };
};
