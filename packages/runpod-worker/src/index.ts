export type { RunpodVariables } from './config.ts';
export type { RunpodLog } from './log.ts';
export type { HttpAnswer, HttpRequest, HttpSend, KeepableJob, RunpodJob } from './platform.ts';
export type { Concurrency } from './polls.ts';
export type { RunpodContext, RunpodHandler } from './run-handler.ts';
export { type ServeRunpodOptions, type ServingRunpod, serveRunpod } from './serve.node.ts';
