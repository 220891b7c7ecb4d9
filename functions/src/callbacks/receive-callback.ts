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
import { accept, type Refusal, refuse } from '../http/answer.ts';
import { type Call, type CallOptions, MAX_BODY_BYTES, readSignedBody, reject } from '../http/call.ts';
import { type ApplyOptions, applyMessage } from '../stories/apply-message.ts';
import type { ApplyOutcome } from '../stories/firestore-stories.node.ts';
import {
  type Claims,
  type Contradiction,
  findContradiction,
  type Owners,
  placesIn,
} from '../stories/ownership.ts';

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
    return { ok: true, value: { storyId, message, claims: { userId, places: placesIn(message) } } };
  };

/** Parses the body of each route. */
export const parseCallback: Readonly<Record<CallbackRoute, (body: unknown) => Parsed<Callback>>> = {
  callback: parser(parseSuccessCallback, messageFromSuccess),
  'error-callback': parser(parseErrorCallback, messageFromError),
  progress: parser(parseProgress, messageFromProgress),
};

/** The story has a newer job or is ready already: the worker may stop. */
const isUnwanted = ({ decision, narration }: Extract<ApplyOutcome, { kind: 'decided' }>): boolean =>
  decision === 'fenced' || (decision === 'stale' && narration?.status === 'ready');

const refusalOf = (
  kind: Exclude<ApplyOutcome['kind'], 'decided'>,
  storyId: string,
  contradiction: Contradiction | undefined,
): Refusal => {
  switch (kind) {
    case 'no-such-story':
      return { kind, storyId };
    case 'not-admitted': {
      if (contradiction?.kind !== 'other-users-folder') return { kind: 'not-this-user', storyId };
      const sentence = `${contradiction.field}: must lie in the folder of the story's own user`;
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

/** Handles one signed callback, from its bytes to its answer. */
export const receiveCallback = async (
  call: Call<CallOptions & CallbackOptions>,
  route: CallbackRoute,
): Promise<Response> => {
  const { options, replays } = call;
  const { log, secrets, processingLeaseMs: leaseMs } = options;

  // 1. Limit and verify: size, time, signature, rate.
  const signed = await readSignedBody(call, MAX_BODY_BYTES);
  if (signed instanceof Response) return signed;
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
  // Handlers at RunPod name RunPod's job or none, so the callback's address names ours.
  const job = jobOfUrl(call.request.url, [...secrets.standard, ...secrets.hmac], storyId);
  if (job.kind === 'forged') return reject(call, { kind: 'not-authentic' }, 'forged job token');
  const named = job.kind === 'none' ? {} : { jobId: job.jobId };
  const message: StoryMessage = { ...parsed.value.message, ...named };
  const { jobId } = message;

  // 4. Decide and apply in one transaction, 5. publish the event of an end.
  let contradiction: Contradiction | undefined;
  const admits = (owners: Owners): boolean => {
    contradiction = findContradiction(claims, owners);
    return contradiction === undefined;
  };
  const toApply = { storyId, jobId, admits, message, source: 'callback', leaseMs } as const;
  const outcome = await applyMessage(toApply, options);

  // 6. Answer.
  const about = { route, storyId, jobId };
  if (outcome.kind !== 'decided') {
    const severity = outcome.kind === 'too-large' || outcome.kind === 'store-away' ? 'error' : 'warn';
    log(severity, 'callback not applied', { ...about, ...contradiction, ...outcome });
    return refuse(refusalOf(outcome.kind, storyId, contradiction));
  }
  log('info', 'callback', { ...about, decision: outcome.decision });
  if (messageKey !== undefined) replays.add(messageKey);
  return accept(message.kind === 'progress' && isUnwanted(outcome) ? { wanted: false } : {});
};
