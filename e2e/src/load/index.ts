export type { LoadShares } from './plan.ts';
export { type LoadOptions, type LoadReport, runLoad } from './run-load.ts';
