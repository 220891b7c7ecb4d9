import {
  decide,
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
import { accept, RETRY_AFTER_SECONDS, type Refusal, refuse } from '../http/answer.ts';
import { type Call, type CallOptions, MAX_BODY_BYTES, readSignedBody, reject } from '../http/call.ts';
import { type ApplyOptions, applyMessage } from '../stories/apply-message.ts';
import { type Claims, type Contradiction, findContradiction, type Owners } from '../stories/ownership.ts';
import type { ApplyOutcome } from '../stories/story-store.ts';

export interface CallbackOptions extends ApplyOptions {
  /** How long a job may be silent after it reported. */
  readonly processingLeaseMs: number;
}

export const CALLBACK_ROUTES = ['callback', 'error-callback', 'progress'] as const;
export type CallbackRoute = (typeof CALLBACK_ROUTES)[number];

/** A parsed callback: the story it is about, its message, and the people and places it names. */
export interface Callback {
  readonly storyId: string;
  readonly message: StoryMessage;
  readonly claims: Claims;
}

const placesOf = (message: StoryMessage): Claims['places'] => {
  if (message.kind !== 'ready') return [];
  const { audioUrl, storagePath } = message;
  return [
    ...(storagePath === undefined ? [] : [{ field: 'storage_path', path: storagePath }]),
    ...(audioUrl === undefined ? [] : [{ field: 'audio_url', path: audioUrl }]),
  ];
};

const parser =
  <T extends { readonly storyId: string; readonly userId?: string | undefined }>(
    parse: (body: unknown) => Parsed<T>,
    toMessage: (callback: T) => StoryMessage,
  ) =>
  (body: unknown): Parsed<Callback> => {
    const parsed = parse(body);
    if (!parsed.ok) return parsed;
    const { storyId, userId } = parsed.value;
    const message = toMessage(parsed.value);
    return { ok: true, value: { storyId, message, claims: { userId, places: placesOf(message) } } };
  };

/** Parses the body of each route. */
export const parseCallback: Readonly<Record<CallbackRoute, (body: unknown) => Parsed<Callback>>> = {
  callback: parser(parseSuccessCallback, messageFromSuccess),
  'error-callback': parser(parseErrorCallback, messageFromError),
  progress: parser(parseProgress, messageFromProgress),
};

/**
 * The message with the job that the callback's address was made for: handlers at RunPod name RunPod's job, or none.
 * Undefined when the token in the address is not ours.
 */
const withJobOfUrl = (
  url: string,
  { storyId, message }: Callback,
  secrets: CallOptions['secrets'],
): StoryMessage | undefined => {
  const job = jobOfUrl(url, [...secrets.standard, ...secrets.hmac], storyId);
  if (job.kind === 'forged') return undefined;
  return job.kind === 'none' ? message : { ...message, jobId: job.jobId };
};

/** The story has a newer job or is ready already: the worker may stop. */
const isUnwanted = ({ decision, narration }: Extract<ApplyOutcome, { kind: 'decided' }>): boolean =>
  decision === 'fenced' || (decision === 'stale' && narration?.status === 'ready');

const refusalOf = (
  outcome: Exclude<ApplyOutcome, { kind: 'decided' }>,
  storyId: string,
  contradiction: Contradiction | undefined,
): Refusal => {
  switch (outcome.kind) {
    case 'no-such-story':
      return { kind: 'no-such-story', storyId };
    case 'not-admitted':
      return contradiction?.kind === 'other-users-folder'
        ? {
            kind: 'wrong-shape',
            sentence: `${contradiction.field}: must lie in the folder of the story's own user`,
          }
        : { kind: 'not-this-user', storyId };
    case 'too-large':
      return {
        kind: 'wrong-shape',
        sentence: 'body: does not fit into the story, which is near its size limit',
      };
    case 'store-away':
      return { kind: 'store-away', retryAfterSeconds: RETRY_AFTER_SECONDS };
    default:
      return outcome satisfies never;
  }
};

/** Handles one signed callback, from its bytes to its answer. */
export const receiveCallback = async (
  call: Call<CallOptions & CallbackOptions>,
  route: CallbackRoute,
): Promise<Response> => {
  const { options, replays } = call;
  const { log, autoRetry, processingLeaseMs: leaseMs } = options;

  // 1. Limit and verify: size, time, signature, rate.
  const signed = await readSignedBody(call, MAX_BODY_BYTES);
  if (!signed.ok) return signed.response;
  const { messageKey } = signed;

  // 2. Parse.
  const parsed = parseCallback[route](signed.value);
  if (!parsed.ok) return reject(call, { kind: 'wrong-shape', sentence: parsed.sentence }, parsed.sentence);
  const { storyId, claims } = parsed.value;

  // 3. A message that was processed before changes nothing.
  if (messageKey !== undefined && replays.has(messageKey)) {
    log('info', 'callback replayed', { route, storyId });
    return accept();
  }
  const message = withJobOfUrl(call.request.url, parsed.value, options.secrets);
  if (message === undefined) return reject(call, { kind: 'not-authentic' }, 'forged job token');
  const { jobId } = message;

  // 4. Decide and apply in one transaction, 5. publish the event of an end.
  let contradiction: Contradiction | undefined;
  const admits = (owners: Owners): boolean => {
    contradiction = findContradiction(claims, owners);
    return contradiction === undefined;
  };
  const context = { source: 'callback' as const, nowMs: options.now(), leaseMs, autoRetry };
  const outcome = await applyMessage(
    { storyId, jobId, admits },
    (story, attempt) => decide(story, attempt, message, context),
    options,
  );

  // 6. Answer.
  const about = { route, storyId, jobId };
  if (outcome.kind !== 'decided') {
    const severity = outcome.kind === 'too-large' || outcome.kind === 'store-away' ? 'error' : 'warn';
    log(severity, 'callback not applied', { ...about, ...contradiction, ...outcome });
    return refuse(refusalOf(outcome, storyId, contradiction));
  }
  log('info', 'callback', { ...about, decision: outcome.decision });
  if (messageKey !== undefined) replays.add(messageKey);
  return accept(message.kind === 'progress' && isUnwanted(outcome) ? { wanted: false } : {});
};
