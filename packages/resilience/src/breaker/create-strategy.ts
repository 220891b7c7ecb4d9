import { checkInteger, checkNumber } from '../checks/index.ts';
import { ConsecutiveFailures } from './consecutive-failures.ts';
import { CountWindow } from './count-window.ts';
import type { BreakerStrategy, StrategyOptions } from './strategy.ts';
import { TimeWindow } from './time-window.ts';

/** @throws {RangeError} naming the field that cannot be used */
export function createStrategy(options: StrategyOptions): BreakerStrategy {
  if (options.kind === 'consecutive') {
    checkInteger('strategy.failures', options.failures, 1);
    return new ConsecutiveFailures(options.failures);
  }
  checkNumber('strategy.failureRatio', options.failureRatio, Number.MIN_VALUE, 1);
  if (options.kind === 'count-window') {
    checkInteger('strategy.size', options.size, 1);
    checkInteger('strategy.minimumCalls', options.minimumCalls, 1, options.size);
    return new CountWindow(options);
  }
  checkInteger('strategy.minimumCalls', options.minimumCalls, 1);
  checkNumber('strategy.windowMs', options.windowMs, 1);
  checkInteger('strategy.buckets', options.buckets ?? 10, 1, 1_000);
  return new TimeWindow(options);
}
