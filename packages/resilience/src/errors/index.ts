export { isResilienceError, ResilienceError, type ResilienceErrorCode } from './resilience-error.ts';
