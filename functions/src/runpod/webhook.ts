import { documentIdFault, type Log, type StoryMessage } from '@taleback/core';
import { jobOfUrl } from '@taleback/core/signatures';
import type { Refusal } from '../http/answer.ts';
import { BODY_TIMEOUT_MS, type HttpRequest, parseJson, readBody } from '../http/call.ts';
import { type ApplyOptions, applyMessage } from '../stories/apply-message.ts';
import { admitsAudio } from '../stories/ownership.ts';
import type { StoryStore } from '../stories/firestore-stories.node.ts';
import type { RunpodClient } from './client.ts';
import { messageFromReport, parseRunpodReport, type ReportedJob, type RunpodReport } from './report.ts';

export interface WebhookOptions extends ApplyOptions {
  readonly stories: Pick<StoryStore, 'apply' | 'readJob'>;
  /** Queried for the job's status before a webhook is trusted; undefined trusts the webhook. */
  readonly confirmWith: Pick<RunpodClient, 'status'> | undefined;
  /** Secrets that addresses may have been made with. */
  readonly secrets: readonly (string | Uint8Array)[];
}

type Answer = Refusal | { readonly kind: 'accepted' };

/**
 * RunPod repeats the job's input in its body: a recording of up to 4 MiB in base64 and a story of 200,000 characters,
 * each escaped into up to six bytes, beside the handler's result.
 */
const MAX_WEBHOOK_BYTES = 12_000_000;

const ACCEPTED: Answer = { kind: 'accepted' };
const NOT_AUTHENTIC: Refusal = { kind: 'not-authentic' };
const AWAY: Refusal = { kind: 'store-away' };

const jobOf = (search: string, secrets: WebhookOptions['secrets']): ReportedJob | undefined => {
  const storyId = new URLSearchParams(search).get('story') ?? '';
  if (documentIdFault(storyId) !== undefined) return undefined;
  const job = jobOfUrl(search, secrets, storyId);
  return job.kind === 'verified' && documentIdFault(job.jobId) === undefined
    ? { storyId, jobId: job.jobId }
    : undefined;
};

/** RunPod's own report of the job; undefined when there is none, or the job is still under way. */
const confirm = async (
  report: RunpodReport,
  client: Pick<RunpodClient, 'status'>,
  log: Log,
): Promise<RunpodReport | undefined> => {
  const { runpodJobId } = report;
  const status = await client.status(runpodJobId);
  const read = status.kind === 'found' ? parseRunpodReport(status.report) : undefined;
  if (read?.ok && read.value.stage !== 'under-way' && read.value.runpodJobId === runpodJobId)
    return read.value;
  const seen = read?.ok ? read.value.stage : status.kind;
  log('warn', 'webhook of RunPod not confirmed', { runpodJobId, reported: report.stage, seen });
  return undefined;
};

const applyReport = async (
  job: ReportedJob,
  message: StoryMessage,
  options: ApplyOptions,
): Promise<Answer> => {
  const admits = admitsAudio(message);
  const outcome = await applyMessage({ ...job, admits, message, source: 'runpod-webhook' }, options);
  options.log('info', 'webhook of RunPod', { ...job, reported: message.kind, outcome: outcome.kind });
  switch (outcome.kind) {
    case 'decided':
    case 'not-admitted':
      return ACCEPTED;
    case 'no-such-story':
      return { kind: 'no-such-story', storyId: job.storyId };
    case 'too-large':
      return { kind: 'wrong-shape', sentence: 'body: does not fit into the story' };
    case 'store-away':
      return AWAY;
    default:
      return outcome satisfies never;
  }
};

/** Confirms RunPod's report of a job that has ended, and applies it. */
export const applyWebhook = async (
  job: ReportedJob,
  reported: RunpodReport,
  options: Omit<WebhookOptions, 'secrets'>,
): Promise<Answer> => {
  let report = reported;
  const found = await options.stories.readJob(job.storyId, job.jobId);
  if (found.kind === 'store-away') return AWAY;
  if (found.kind === 'no-such-story') return { kind: 'no-such-story', storyId: job.storyId };
  const { runpodJobId: known, attemptStatus } = found.job;
  if (known !== undefined && known !== report.runpodJobId) {
    options.log('warn', 'webhook of another job of RunPod', { ...job, known, named: report.runpodJobId });
    return ACCEPTED;
  }
  // What is ready stays ready in any case.
  if (options.confirmWith !== undefined && attemptStatus !== 'ready') {
    const confirmed = await confirm(report, options.confirmWith, options.log);
    if (confirmed === undefined) return AWAY;
    report = confirmed;
  }
  const message = messageFromReport(job, report);
  return message === undefined ? ACCEPTED : applyReport(job, message, options);
};

/**
 * Handles RunPod's own webhook. It is not signed: its address proves the job, and RunPod's `/status` confirms the rest.
 * What cannot be confirmed is answered 503, so that RunPod retries; after its last try the sweeper asks.
 */
export const receiveWebhook = async (request: HttpRequest, options: WebhookOptions): Promise<Answer> => {
  const job = jobOf(request.search, options.secrets);
  if (job === undefined) return NOT_AUTHENTIC;
  const body = await readBody(request, { maxBytes: MAX_WEBHOOK_BYTES, timeoutMs: BODY_TIMEOUT_MS });
  if (!body.ok) return body.refusal;
  const json = parseJson(body.bytes);
  if (!json.ok) return { kind: 'not-json', sentence: json.sentence };
  const parsed = parseRunpodReport(json.value);
  if (!parsed.ok) return { kind: 'wrong-shape', sentence: parsed.sentence };
  return parsed.value.stage === 'under-way' ? ACCEPTED : applyWebhook(job, parsed.value, options);
};
