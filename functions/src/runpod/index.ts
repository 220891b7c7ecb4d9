export type { JobStore, StandingJob } from './job-store.ts';
export { messageFromReport } from './message-from-report.ts';
export { createRunpodWebhook, type WebhookOptions } from './receive-webhook.ts';
export {
  createRunpodClient,
  type RunpodClient,
  type RunpodClientOptions,
  type RunpodOrder,
} from './runpod-client.ts';
export type { RunpodAnswer, RunpodHttp, RunpodRequest } from './runpod-http.ts';
export type { CancelOutcome, RunOutcome, StatusOutcome } from './runpod-outcomes.ts';
export { parseRunpodReport } from './runpod-report.ts';
