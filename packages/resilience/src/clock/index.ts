export type { CancelTimer, Clock } from './clock.ts';
export { systemClock } from './system-clock.ts';
