export type { JobSource } from './job-source.ts';
