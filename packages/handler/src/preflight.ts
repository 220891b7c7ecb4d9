import { checkStory, describeError, type StoryLimits, TalebackError } from '@taleback/core';
import { SPEED_RANGE, type VoiceProfile } from '@taleback/speech/src/engines/index.ts';
import type { ProfileSource } from '@taleback/speech/src/voices/index.ts';
import { type SoundSize, spaceNeededFor } from './space-needed.ts';

/** What of a job is looked at. */
export interface PreflightJob {
  readonly text: string;
  /** BCP 47. */
  readonly language: string;
  readonly voiceId: string;
  /** Rate of speech. Default 1. */
  readonly speed?: number | undefined;
  /** Where the recording of the voice is, when it is a person's own. */
  readonly profile?: ProfileSource | undefined;
  /** Whether another voice may read when the person's own cannot. Default false. */
  readonly allowsOtherVoice?: boolean | undefined;
}

/** What has to be spoken, and by whom. */
export type VoiceNeed = Pick<PreflightJob, 'language' | 'allowsOtherVoice' | 'voiceId'> & {
  readonly profile: VoiceProfile | undefined;
};

export interface PreflightPorts {
  readonly limits: StoryLimits;
  /** Fetches and verifies a recording. @throws TalebackError see `loadVoiceProfile` */
  readonly loadProfile: (source: ProfileSource, signal: AbortSignal) => Promise<VoiceProfile | undefined>;
  /**
   * Names of the engines that can speak so, whether they are there at the moment or not, in the order of the chain.
   * @throws TalebackError `language_unsupported`, `voice_not_found`, `voice_language_mismatch` when there is none
   */
  readonly ableEngines: (need: VoiceNeed) => readonly string[];
  /** Bytes free where narrations are made and kept; undefined when nobody knows. */
  readonly diskFree: () => Promise<number | undefined>;
  readonly soundSize?: SoundSize | undefined;
}

/** What was found on the way and need not be fetched again. */
export interface Cleared {
  readonly profile: VoiceProfile | undefined;
}

export interface Preflight {
  /**
   * Looks for every trouble that can be known before a job costs anything: first the story's own, then the voice's, then
   * ours, so that a person is told what they can change. Whether an engine is there at the moment is asked by the chain, after
   * the cache: what was told before needs none.
   *
   * @throws TalebackError with the code of the first trouble, and the field in its details
   */
  readonly check: (job: PreflightJob, signal: AbortSignal) => Promise<Cleared>;
}

const checkText = ({ text, language, speed = 1 }: PreflightJob, limits: StoryLimits): void => {
  const check = checkStory({ text, language }, limits);
  if (!check.ok)
    throw new TalebackError(check.code, describeError(check.code).sentence, { details: check.sentence });
  if (speed >= SPEED_RANGE.min && speed <= SPEED_RANGE.max) return;
  throw new TalebackError('request_invalid', describeError('request_invalid').sentence, {
    details: `speed: is ${speed}, must be ${SPEED_RANGE.min} to ${SPEED_RANGE.max}`,
  });
};

/** Room for this story; where it cannot be told, the store will say. */
const checkSpace = async ({ text, speed = 1 }: PreflightJob, ports: PreflightPorts): Promise<void> => {
  const freeBytes = await ports.diskFree().catch(() => undefined);
  if (freeBytes === undefined) return;
  const neededBytes = spaceNeededFor(text, speed, ports.soundSize);
  if (freeBytes >= neededBytes) return;
  throw new TalebackError('disk_full', describeError('disk_full').sentence, {
    details: `disk: ${freeBytes} bytes are free, ${neededBytes} are needed`,
  });
};

export const createPreflight = (ports: PreflightPorts): Preflight => ({
  check: async (job, signal) => {
    checkText(job, ports.limits);
    const profile = job.profile === undefined ? undefined : await ports.loadProfile(job.profile, signal);
    const { language, voiceId, allowsOtherVoice } = job;
    ports.ableEngines({ language, voiceId, allowsOtherVoice, profile });
    await checkSpace(job, ports);
    return { profile };
  },
});
