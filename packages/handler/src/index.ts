export { createHandler, type Handler, type HandlerOptions } from './handle-job.ts';
export type { HandlerResult } from './result.ts';
