import type { ResilienceProfile } from '@taleback/resilience';
import type { SpeechEngine } from '../engine.ts';

/** What a service said of itself. */
export interface EngineProbe {
  /** One line for an operator, such as the model and the device. */
  readonly details: string;
  /** What its sound depends on, as far as it says: sound that is kept is not used for another. Default: not known. */
  readonly model?: string | undefined;
  /** Time to the answer, ms. */
  readonly latencyMs: number;
}

/**
 * A speech service across a network, as its wire is: one call is one request, with no retry, no queue, no breaker and
 * no timeout around it; whoever opens it puts those there, in the numbers of `policy`.
 *
 * Beside the errors of a SpeechEngine it throws `credentials_invalid`, `permission_denied`, `provider_rate_limited`,
 * `provider_quota_exceeded` (both with `retryAfterMs` when the service says so), `provider_unavailable`,
 * `provider_rejected`, `model_unavailable`, `dns_failed`, `tls_failed`, `network_unreachable`, `text_too_long`.
 */
export interface RemoteEngine extends SpeechEngine {
  readonly policy: ResilienceProfile;
  /** Where it is reached, without credentials, such as `http://127.0.0.1:8880`. */
  readonly endpoint: string;
  /**
   * Asks the service whether it can speak, and which voices it has, which `voices()` tells from then on.
   *
   * @throws TalebackError what is wrong with it: the errors above.
   */
  readonly probe: (signal: AbortSignal) => Promise<EngineProbe>;
}
