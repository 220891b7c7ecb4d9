import { type AutoRetryPolicy, decide, documentIdFault, type StoryMessage } from '@taleback/core';
import { jobOfUrl } from '@taleback/core/signatures';
import {
  admitsAudio,
  BODY_TIMEOUT_MS,
  type Log,
  parseJson,
  RETRY_AFTER_SECONDS,
  type Refusal,
  readBody,
  type StoryStore,
  type Webhook,
} from '../receive/index.ts';
import type { JobStore } from './job-store.ts';
import { messageFromReport, type ReportedJob } from './message-from-report.ts';
import type { RunpodClient } from './runpod-client.ts';
import { parseRunpodReport, type RunpodReport } from './runpod-report.ts';

export interface WebhookOptions {
  readonly stories: StoryStore;
  readonly jobs: JobStore;
  /** Asked for the job's status before a webhook is believed; undefined believes the webhook. */
  readonly confirmWith: Pick<RunpodClient, 'status'> | undefined;
  /** Secrets that addresses may have been made with. */
  readonly secrets: readonly (string | Uint8Array)[];
  readonly processingLeaseMs: number;
  readonly autoRetry?: AutoRetryPolicy | undefined;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
}

type Answer = Awaited<ReturnType<Webhook>>;

/**
 * RunPod repeats the job's input in its body: a recording of up to 4 MiB in base64, and a story of 200,000 characters, which
 * may come back with six bytes each, beside what the handler said.
 */
const MAX_WEBHOOK_BYTES = 12_000_000;

const ACCEPTED: Answer = { kind: 'accepted' };
const NOT_AUTHENTIC: Refusal = { kind: 'not-authentic' };
const AWAY: Refusal = { kind: 'store-away', retryAfterSeconds: RETRY_AFTER_SECONDS };

const jobOf = (address: string, secrets: WebhookOptions['secrets']): ReportedJob | undefined => {
  const storyId = new URL(address).searchParams.get('story') ?? '';
  if (documentIdFault(storyId) !== undefined) return undefined;
  const job = jobOfUrl(address, secrets, storyId);
  return job.kind === 'verified' && documentIdFault(job.jobId) === undefined
    ? { storyId, jobId: job.jobId }
    : undefined;
};

/** What RunPod itself says of the job; undefined when it says nothing, or that the job goes on. */
const confirm = async (
  report: RunpodReport,
  client: Pick<RunpodClient, 'status'>,
  log: Log,
): Promise<RunpodReport | undefined> => {
  const { runpodJobId } = report;
  const status = await client.status(runpodJobId);
  const told = status.kind === 'found' ? parseRunpodReport(status.report) : undefined;
  if (told?.ok && told.value.stage !== 'under-way' && told.value.runpodJobId === runpodJobId)
    return told.value;
  const seen = told?.ok ? told.value.stage : status.kind;
  log('warn', 'webhook of RunPod not confirmed', { runpodJobId, told: report.stage, seen });
  return undefined;
};

const applyReport = async (
  job: ReportedJob,
  message: StoryMessage,
  { stories, autoRetry, processingLeaseMs, log, now }: WebhookOptions,
): Promise<Answer> => {
  const { storyId } = job;
  const context = { source: 'runpod-webhook', nowMs: now(), leaseMs: processingLeaseMs, autoRetry } as const;
  const target = { ...job, admits: admitsAudio(message) };
  const outcome = await stories.apply(target, (story, attempt) => decide(story, attempt, message, context));
  log('info', 'webhook of RunPod', { ...job, told: message.kind, outcome });
  switch (outcome.kind) {
    case 'decided':
    case 'not-admitted':
      return ACCEPTED;
    case 'no-such-story':
      return { kind: 'no-such-story', storyId };
    case 'too-large':
      return { kind: 'wrong-shape', sentence: 'body: does not fit into the story' };
    case 'store-away':
      return AWAY;
    default:
      return outcome satisfies never;
  }
};

/**
 * Makes the handler of RunPod's own webhook. Nobody signs it: its address proves the job, and RunPod is asked before
 * the rest of it is believed. What cannot be confirmed is answered 503, so that RunPod sends it again; after its last
 * try the sweeper asks.
 */
export const createRunpodWebhook =
  (options: WebhookOptions): Webhook =>
  async (request) => {
    const job = jobOf(request.url, options.secrets);
    if (job === undefined) return NOT_AUTHENTIC;
    const body = await readBody(request, { maxBytes: MAX_WEBHOOK_BYTES, timeoutMs: BODY_TIMEOUT_MS });
    if (!body.ok) return body.refusal;
    const json = parseJson(body.bytes);
    if (!json.ok) return { kind: 'not-json', sentence: json.sentence };
    const parsed = parseRunpodReport(json.value);
    if (!parsed.ok) return { kind: 'wrong-shape', sentence: parsed.sentence };
    let report = parsed.value;
    if (report.stage === 'under-way') return ACCEPTED;

    const found = await options.jobs.read(job.storyId, job.jobId);
    if (found.kind === 'store-away') return AWAY;
    if (found.kind === 'no-such-story') return { kind: 'no-such-story', storyId: job.storyId };
    const { runpodJobId: known, attemptStatus } = found.job;
    if (known !== undefined && known !== report.runpodJobId) {
      options.log('warn', 'webhook of another job of RunPod', { ...job, known, named: report.runpodJobId });
      return ACCEPTED;
    }
    // What is ready stays ready whatever the truth is; the message then only lets the news of it go out again.
    if (options.confirmWith !== undefined && attemptStatus !== 'ready') {
      const confirmed = await confirm(report, options.confirmWith, options.log);
      if (confirmed === undefined) return AWAY;
      report = confirmed;
    }
    const message = messageFromReport(job, report);
    return message === undefined ? ACCEPTED : applyReport(job, message, options);
  };
