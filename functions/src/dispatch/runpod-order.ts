import type { TtsJobEvent } from '@taleback/core';
import { withJob } from '@taleback/core/signatures';
import type { RunpodOrder } from '../runpod/index.ts';

export interface OrderOptions {
  /** Where RunPod tells of a job's end, without its query. */
  readonly webhookUrl: string;
  /** The secret that the addresses of a job are made with. */
  readonly urlSecret: string | Uint8Array;
  readonly executionTimeoutMs: number;
  readonly ttlMs: number;
}

/**
 * The order that RunPod gets for a job. A handler there knows RunPod's id only, and Python handlers tell none at all
 * in their success callback, so both addresses name the job.
 */
export const runpodOrder = (job: TtsJobEvent, options: OrderOptions): RunpodOrder => {
  const { metadata } = job.input;
  const storyId = metadata.story_id;
  const webhook = new URL(options.webhookUrl);
  // Somebody else's address would learn the token.
  const address = (url: string): string =>
    URL.canParse(url) && new URL(url).origin === webhook.origin
      ? withJob(url, options.urlSecret, storyId, job.id)
      : url;
  webhook.searchParams.set('story', storyId);
  return {
    input: {
      ...job.input,
      metadata: { ...metadata, job_id: job.id, callback_url: address(metadata.callback_url) },
    },
    webhook: address(webhook.href),
    policy: { executionTimeout: options.executionTimeoutMs, ttl: options.ttlMs },
  };
};
