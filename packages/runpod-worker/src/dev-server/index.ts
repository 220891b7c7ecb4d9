export type { LocalEnd } from './job-board.ts';
export { bodyLimitOf, type LocalAnswer } from './local-api.ts';
export { LocalEndpoint, type LocalEndpointOptions } from './local-endpoint.ts';
export type { FinalStatus, JobStatus } from './local-job.ts';
