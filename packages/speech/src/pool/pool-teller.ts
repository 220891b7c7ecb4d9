import type { ErrorCode } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import { durationMsOf, type Pcm } from '../audio/index.ts';
import type { SynthesisListener } from '../status/index.ts';
import type { SpeechJob } from './speech-job.ts';
import type { AttemptEnd } from './speech-worker.ts';

/** Tells those who watch the pool what becomes of its requests. */
export class PoolTeller {
  readonly #clock: Clock;
  readonly #tell: SynthesisListener;

  constructor(clock: Clock, tell: SynthesisListener) {
    this.#clock = clock;
    this.#tell = tell;
  }

  refused(code: ErrorCode): void {
    this.#tell({ kind: 'refused', code });
  }

  accepted({ priority }: SpeechJob): void {
    this.#tell({ kind: 'accepted', priority });
  }

  /** `sinceMs`: when the choice of the worker began. */
  dispatched({ waitingSinceMs }: SpeechJob, workerId: string, sinceMs: number): void {
    const routingMs = this.#clock.now() - sinceMs;
    this.#tell({ kind: 'dispatched', workerId, waitedMs: sinceMs - waitingSinceMs, routingMs });
  }

  attemptEnded(workerId: string, end: AttemptEnd, generationMs: number): void {
    const outcome = end.kind;
    const code = end.kind === 'failed' ? { code: end.error.code } : {};
    this.#tell({ kind: 'attempt-ended', workerId, generationMs, outcome, ...code });
  }

  retried({ attempts }: SpeechJob, code: ErrorCode): void {
    this.#tell({ kind: 'retried', code, attempt: attempts + 1 });
  }

  spoken({ acceptedAtMs, request }: SpeechJob, { samples, sampleRateHz }: Pcm): void {
    this.#tell({
      kind: 'ended',
      outcome: 'spoken',
      latencyMs: this.#clock.now() - acceptedAtMs,
      audioMs: durationMsOf(samples.length, sampleRateHz),
      characters: request.text.length,
    });
  }

  failed({ acceptedAtMs }: SpeechJob, code: ErrorCode): void {
    this.#tell({ kind: 'ended', outcome: 'failed', latencyMs: this.#clock.now() - acceptedAtMs, code });
  }
}
