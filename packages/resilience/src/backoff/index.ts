export {
  type Backoff,
  checkBackoff,
  type ExponentialBackoff,
  type Jitter,
  type Random,
  type ScheduledBackoff,
} from './backoff.ts';
export { backoffDelayMs, backoffSchedule, type DelayBounds, delayBounds, nominalDelayMs } from './delay.ts';
