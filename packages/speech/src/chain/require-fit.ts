import { describeError, type ErrorCode, TalebackError } from '@taleback/core';
import type { EnginePicture } from '../status/index.ts';

/**
 * What an engine cannot get over within a story. Anything else that a look found may have been a restart or chance: it is
 * tried, and its breaker finds out, before a story is told in another voice.
 */
const UNFIT: ReadonlySet<ErrorCode> = new Set([
  'circuit_open',
  'credentials_invalid',
  'model_loading_failed',
  'model_unavailable',
  'tls_failed',
]);

/**
 * Turns a story away from an engine that is known not to be able to speak, before a second is spent on it: its model is not
 * loaded, its key not accepted, its breaker open. The next engine of the chain is asked at once.
 *
 * @throws TalebackError what was last found wrong with it
 * @see seed 001, "Error Scenarios"
 */
export const requireFit = (
  { name, state, errorCode, reason, retryAtMs }: EnginePicture,
  nowMs = Date.now(),
): void => {
  if (state !== 'unavailable' || errorCode === undefined || !UNFIT.has(errorCode)) return;
  throw new TalebackError(errorCode, describeError(errorCode).sentence, {
    details: `${name}: ${reason ?? errorCode}`,
    ...(retryAtMs === undefined ? {} : { retryAfterMs: Math.max(0, retryAtMs - nowMs) }),
  });
};
