export type { Concurrency } from './concurrency.ts';
export { createForgetfulOutbox } from './forgetful-outbox.ts';
export type { RunpodContext, RunpodHandler } from './handler.ts';
export type { HttpAnswer, HttpRequest, HttpSend } from './http.ts';
export type { RunpodJob, RunpodLog } from './protocol.ts';
export {
  type LeftBehind,
  type PendingResult,
  parsePendingResult,
  parseTakenJob,
  type ResultOutbox,
  type TakenJob,
} from './result-outbox.ts';
export { RunpodWorker, type RunpodWorkerOptions, type RunpodWorkerParts } from './runpod-worker.ts';
export { parseRunpodEnvironment, type RunpodSettings, type RunpodVariables } from './settings.ts';
