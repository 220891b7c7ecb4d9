import type { ErrorCode } from '@taleback/core';
import type { Voice } from '../engines/index.ts';
import type { WorkerBreakerState } from './synthesis-event.ts';

/** ready: speaks · degraded: speaks, but not all of it is well · unavailable: does not speak now. */
export type EngineState = 'ready' | 'degraded' | 'unavailable';

/** One engine as it stands, for pages and operators. */
export interface EnginePicture {
  readonly name: string;
  readonly state: EngineState;
  /** Why it is not simply ready, in a sentence that people read. */
  readonly reason?: string | undefined;
  readonly errorCode?: ErrorCode | undefined;
  readonly languages: readonly string[];
  readonly voices: readonly Voice[];
  readonly clonesVoices?: boolean | undefined;
  /** The worst of its circuit breakers. */
  readonly breaker?: WorkerBreakerState | undefined;
  /** When an open breaker lets a trial through, epoch milliseconds. */
  readonly retryAtMs?: number | undefined;
}
