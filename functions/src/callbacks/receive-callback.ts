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
import { jobOfUrl } from '@taleback/core/signatures';
import { accept, type Answer, type Refusal, refuse } from '../http/answer.ts';
import { type Call, type CallOptions, MAX_BODY_BYTES, readSignedBody, reject } from '../http/call.ts';
import { type ApplyOptions, applyMessage } from '../stories/apply-message.ts';
import { isRunning } from '../runpod/report.ts';
import type { RunpodClient } from '../runpod/client.ts';
import type { ApplyOutcome } from '../stories/documents.ts';
import {
  findForeignPlace,
  isOfOtherUser,
  type NamedPlace,
  type Owners,
  placesOf,
} from '../stories/ownership.ts';

export interface CallbackOptions extends ApplyOptions {
  /** How long a job may be silent after it reported. */
  readonly processingLeaseMs: number;
  /** Undefined when no jobs go to RunPod. */
  readonly runpod?: Pick<RunpodClient, 'status'> | undefined;
}

export const CALLBACK_ROUTES = ['callback', 'error-callback', 'progress'] as const;
export type CallbackRoute = (typeof CALLBACK_ROUTES)[number];

/** A parsed callback: the story it is about, the user it names, and its message. */
export interface Callback {
  readonly storyId: string;
  readonly userId: string | undefined;
  readonly message: StoryMessage;
}

const parser =
  <T extends { readonly storyId: string; readonly userId?: string | undefined }>(
    parse: (body: unknown) => Parsed<T>,
    toMessage: (callback: T) => StoryMessage,
  ) =>
  (body: unknown): Parsed<Callback> => {
    const parsed = parse(body);
    if (!parsed.ok) return parsed;
    const { storyId, userId } = parsed.value;
    return { ok: true, value: { storyId, userId, message: toMessage(parsed.value) } };
  };

/** Parses the body of each route. */
export const parseCallback: Readonly<Record<CallbackRoute, (body: unknown) => Parsed<Callback>>> = {
  callback: parser(parseSuccessCallback, messageFromSuccess),
  'error-callback': parser(parseErrorCallback, messageFromError),
  progress: parser(parseProgress, messageFromProgress),
};

const refusalOf = (
  outcome: Exclude<ApplyOutcome, { kind: 'decided' }>,
  storyId: string,
  {
    foreignPlace,
    isVerified,
  }: { readonly foreignPlace: NamedPlace | undefined; readonly isVerified: boolean },
): Refusal => {
  const { kind } = outcome;
  switch (kind) {
    case 'no-such-story':
      return { kind: outcome.wasDeleted && isVerified ? 'story-deleted' : kind, storyId };
    case 'not-admitted': {
      const sentence = `${foreignPlace?.field}: must lie in the folder of the story's own user`;
      return { kind: 'wrong-shape', sentence };
    }
    case 'too-large': {
      const sentence = 'body: does not fit into the story, which is near its size limit';
      return { kind: 'wrong-shape', sentence };
    }
    case 'store-away':
      return { kind };
    default:
      return kind satisfies never;
  }
};

/**
 * Whether a progress report that came after a failure is one of RunPod's `/retry`, which runs the job again under the
 * same id: RunPod itself confirms it.
 */
const isRunAgain = async (
  message: StoryMessage,
  outcome: ApplyOutcome,
  { runpod }: CallbackOptions,
): Promise<boolean> => {
  if (message.kind !== 'progress' || outcome.kind !== 'decided' || runpod === undefined) return false;
  const { status, jobId, runpodJobId } = outcome.narration;
  if (outcome.decision !== 'stale' || status !== 'failed' || runpodJobId === undefined) return false;
  return [jobId, runpodJobId].includes(message.jobId) && (await isRunning(runpodJobId, runpod));
};

/** Decides on a callback and applies it in one transaction, with the event of an end, which is published after it. */
export const applyCallback = async ({ storyId, userId, message }: Callback, options: CallbackOptions) => {
  let foreignPlace: NamedPlace | undefined;
  let isOtherUser = false;
  const admits = (owners: Owners): boolean => {
    isOtherUser = isOfOtherUser(userId, owners);
    foreignPlace = findForeignPlace(placesOf(message), owners);
    return foreignPlace === undefined;
  };
  const { jobId } = message;
  const toApply = {
    storyId,
    jobId,
    admits,
    message,
    source: 'callback',
    leaseMs: options.processingLeaseMs,
  } as const;
  let outcome = await applyMessage(toApply, options);
  if (await isRunAgain(message, outcome, options))
    outcome = await applyMessage({ ...toApply, isRunning: true }, options);
  return { outcome, foreignPlace, isOtherUser };
};

/** Handles one signed callback, from its bytes to its answer. */
export const receiveCallback = async (
  call: Call<CallOptions & CallbackOptions>,
  route: CallbackRoute,
): Promise<Answer> => {
  const { options, replays } = call;
  const { log, secrets } = options;

  // 1. Limit and verify: size, time, signature, rate.
  const signed = await readSignedBody(call, MAX_BODY_BYTES);
  if ('status' in signed) return signed;
  const keys = signed.messages.map(({ key }) => key);

  // 2. Parse.
  const parsed = parseCallback[route](signed.value);
  if (!parsed.ok) return reject(call, { kind: 'wrong-shape', sentence: parsed.sentence }, parsed.sentence);
  const { storyId, userId } = parsed.value;

  // 3. A message that was processed before changes nothing.
  if (replays.has(...keys)) {
    log('info', 'callback replayed', { route, storyId });
    return accept();
  }
  // Handlers at RunPod name RunPod's job or none, so the callback's address names ours.
  const job = jobOfUrl(call.request.search, [...secrets.standard, ...secrets.hmac], storyId);
  if (job.kind === 'forged') return reject(call, { kind: 'not-authentic' }, 'forged job token');
  const named = job.kind === 'none' ? {} : { jobId: job.jobId };
  const message: StoryMessage = { ...parsed.value.message, ...named };
  const { jobId } = message;

  // 4. Decide and apply.
  const { outcome, foreignPlace, isOtherUser } = await applyCallback({ storyId, userId, message }, options);

  // 5. Answer.
  const about = { route, storyId, jobId, ...(isOtherUser ? { otherUser: userId } : {}) };
  if (outcome.kind !== 'decided') {
    const severity = outcome.kind === 'too-large' || outcome.kind === 'store-away' ? 'error' : 'warn';
    log(severity, 'callback not applied', { ...about, field: foreignPlace?.field, ...outcome });
    return refuse(refusalOf(outcome, storyId, { foreignPlace, isVerified: keys.length > 0 }));
  }
  log(isOtherUser ? 'warn' : 'info', 'callback', { ...about, decision: outcome.decision });
  replays.add(...keys);
  return accept(message.kind === 'progress' && !outcome.isWanted ? { wanted: false } : {});
};
