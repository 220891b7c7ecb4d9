import {
  type Decision,
  decide,
  decideRenewal,
  documentIdFault,
  isAsSeen,
  type ReadyMessage,
  type StoryMessage,
  type TransitionContext,
} from '@taleback/core';
import type { RunpodClient } from '../runpod/client.ts';
import { messageFromReport, parseRunpodReport } from '../runpod/report.ts';
import { type ApplyOptions, applyDecision, applyMessage, failureOf } from '../stories/apply-message.ts';
import type { SweptStory } from '../stories/firestore-jobs.node.ts';
import { admitsAudio } from '../stories/ownership.ts';
import type { AudioFinder } from './find-audio.ts';

export interface SweepStoryOptions extends ApplyOptions {
  /** Undefined when no jobs go to RunPod. */
  readonly runpod: Pick<RunpodClient, 'status'> | undefined;
  /** Undefined when the place of the audio is not configured. */
  readonly findAudio: AudioFinder | undefined;
  readonly pendingLeaseMs: number;
  readonly processingLeaseMs: number;
}

/**
 * What became of an overdue story.
 *
 * - `ended`: it is ready or failed now
 * - `renewed`: RunPod still runs the job
 * - `left`: its state is not known; the next sweep asks again
 * - `moved`: it changed in the meantime
 * - `store-away`: it could not be written
 */
export type SweepEnd = 'ended' | 'renewed' | 'left' | 'moved' | 'store-away';

/**
 * How long a job in an unknown state is kept waiting after its lease: RunPod keeps results for 30 minutes, so later
 * there is nothing left to learn. @see https://docs.runpod.io/serverless/endpoints/job-states
 */
const MAX_DOUBT_MS = 30 * 60_000;

/** What RunPod and the audio store know of the job. */
type Verdict =
  | { readonly kind: 'message'; readonly message: StoryMessage }
  | { readonly kind: 'alive' }
  /** `lost`: there is nothing but its silence. */
  | { readonly kind: 'lost' | 'unknown'; readonly why: string };

const askRunpod = async (
  { storyId, audio }: SweptStory,
  runpod: SweepStoryOptions['runpod'],
): Promise<Verdict> => {
  if (audio.runpodJobId === undefined || runpod === undefined)
    return { kind: 'lost', why: 'no sign of life' };
  const status = await runpod.status(audio.runpodJobId);
  if (status.kind === 'not-found') return { kind: 'lost', why: 'RunPod no longer knows the job' };
  if (status.kind !== 'found') return { kind: 'unknown', why: status.cause };
  const report = parseRunpodReport(status.report);
  if (!report.ok) return { kind: 'unknown', why: `RunPod's status: ${report.sentence}` };
  const message = messageFromReport({ storyId, jobId: audio.jobId ?? audio.runpodJobId }, report.value);
  return message === undefined ? { kind: 'alive' } : { kind: 'message', message };
};

const lookForAudio = async (
  { audio: { jobId, runpodJobId }, ...story }: SweptStory,
  findAudio: AudioFinder,
): Promise<Verdict | undefined> => {
  const found = await findAudio({ ...story, jobIds: [jobId, runpodJobId].filter((id) => id !== undefined) });
  if (found.kind !== 'found')
    return found.kind === 'absent' ? undefined : { kind: 'unknown', why: 'the audio store did not answer' };
  const { audioUrl, storagePath } = found;
  const message: ReadyMessage = {
    kind: 'ready',
    jobId,
    audioUrl,
    storagePath,
    durationMs: undefined,
    voiceId: undefined,
    voiceName: undefined,
    language: undefined,
    metadata: undefined,
  };
  return { kind: 'message', message };
};

/** Asks RunPod, then the audio store, then gives the job up. */
const judge = async (story: SweptStory, options: SweepStoryOptions): Promise<Verdict> => {
  const asked = await askRunpod(story, options.runpod);
  if (asked.kind === 'message' || asked.kind === 'alive') return asked;
  const { leaseExpiresAtMs, jobId } = story.audio;
  const mayDoubt = options.now() - (leaseExpiresAtMs ?? 0) < MAX_DOUBT_MS;
  if (asked.kind === 'unknown' && mayDoubt) return asked;
  const looked = options.findAudio && jobId !== undefined && (await lookForAudio(story, options.findAudio));
  if (!looked) return { kind: 'lost', why: asked.why };
  return looked.kind === 'unknown' && !mayDoubt ? { kind: 'lost', why: looked.why } : looked;
};

/** The message that ends the job; undefined while it is alive. */
const messageOf = (verdict: Verdict, { status }: SweptStory['audio']): StoryMessage | undefined => {
  if (verdict.kind === 'message') return verdict.message;
  if (verdict.kind === 'alive') return undefined;
  const silence = status === 'pending' ? 'no worker took the job' : 'its worker fell silent';
  // About the story, not a job: one that another app set back has no job under way.
  return failureOf('lease_expired', { jobId: undefined, details: `${verdict.why}; ${silence}` });
};

/** The end of a story without room for the details. */
const withoutDetails = (message: StoryMessage, jobId: string | undefined): StoryMessage =>
  message.kind === 'failed'
    ? { ...failureOf(message.code, { jobId, details: undefined }), retryable: message.retryable }
    : failureOf('lease_expired', { jobId, details: undefined });

/**
 * Finds out what became of a job that has been silent for too long, and writes it. A conclusion from silence is written
 * only if the job is still silent: of two sweeps at once, one wins and the other changes nothing.
 */
export const sweepStory = async (swept: SweptStory, options: SweepStoryOptions): Promise<SweepEnd> => {
  const { storyId, audio } = swept;
  const { jobId } = audio;
  const verdict = await judge(swept, options);
  if (verdict.kind === 'unknown') {
    options.log('warn', 'overdue job left for the next sweep', { storyId, jobId, why: verdict.why });
    return 'left';
  }
  const isDocumentId = jobId !== undefined && documentIdFault(jobId) === undefined;
  const target = { storyId, jobId: isDocumentId ? jobId : undefined };
  const { pendingLeaseMs, processingLeaseMs, autoRetry } = options;
  const leaseMs = audio.status === 'pending' ? pendingLeaseMs : processingLeaseMs;
  const context: TransitionContext = { source: 'sweeper', nowMs: options.now(), leaseMs, autoRetry };
  const end = (message: StoryMessage) =>
    applyMessage({ ...target, message, source: 'sweeper', admits: admitsAudio(message) }, options);
  const endIfSilent = (message: StoryMessage | undefined) =>
    applyDecision(
      target,
      (story, attempts): Decision => {
        if (!isAsSeen(story, audio)) return { kind: 'stale' };
        return message === undefined
          ? decideRenewal(story, context)
          : decide(story, attempts, message, context);
      },
      options,
    );

  let message = messageOf(verdict, audio);
  let outcome = verdict.kind === 'message' ? await end(verdict.message) : await endIfSilent(message);
  if (outcome.kind === 'not-admitted') {
    const details = "RunPod names audio in another user's folder";
    message = failureOf('audio_missing', { jobId, details });
    outcome = await end(message);
  }
  if (outcome.kind === 'too-large' && message !== undefined)
    outcome = await end(withoutDetails(message, jobId));
  const fate = message?.kind ?? 'renewed';
  options.log('warn', 'overdue job swept', { storyId, jobId, fate, outcome: outcome.kind });
  if (outcome.kind === 'store-away') return 'store-away';
  if (outcome.kind !== 'decided' || outcome.decision !== 'applied') return 'moved';
  return message === undefined ? 'renewed' : 'ended';
};
