export { AdaptiveTimeout, type AdaptiveTimeoutOptions } from './adaptive-timeout.ts';
export { DeadlineExceededError } from './deadline-exceeded-error.ts';
export { DeadlineScope } from './deadline-scope.ts';
export {
  DEFAULT_TIMEOUT_MS,
  type DeadlineOptions,
  type DeadlineOutcome,
  tryWithDeadline,
  withDeadline,
} from './with-deadline.ts';
