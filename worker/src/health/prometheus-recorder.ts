import { describeError } from '@taleback/core';
import { catalogued } from '@taleback/speech/src/status/error-counts.ts';
import type { SynthesisEvent, SynthesisListener } from '@taleback/speech/src/pool/synthesis-event.ts';
import { BREAKER_STATES, breakerLabel, PRIORITIES } from './prometheus-labels.ts';
import type { Metrics } from './prometheus-metrics.ts';

const toSeconds = (ms: number): number => ms / 1_000;

/** Counters that are known to stand at 0 say so from the start, so that their first rise is seen. */
export const zeroCounters = (metrics: Metrics): void => {
  for (const priority of PRIORITIES) metrics.accepted.inc({ priority }, 0);
  for (const outcome of ['spoken', 'failed']) metrics.ended.inc({ outcome }, 0);
  for (const state of BREAKER_STATES) metrics.breakerChanges.inc({ to: breakerLabel(state) }, 0);
  for (const origin of ['unhandledRejection', 'uncaughtException']) metrics.processFaults.inc({ origin }, 0);
};

/** Counts and times every event. */
export const createRecorder = (
  metrics: Metrics,
  labelOf: (workerId: string) => string,
): SynthesisListener => {
  const recordEnd = (event: SynthesisEvent & { kind: 'ended' }): void => {
    const { outcome } = event;
    metrics.ended.inc({ outcome });
    metrics.synthesis.observe({ outcome }, toSeconds(event.latencyMs));
    if (event.outcome === 'spoken') {
      metrics.audio.inc(toSeconds(event.audioMs));
      metrics.characters.inc(event.characters);
      return;
    }
    const code = catalogued(event.code);
    metrics.failures.inc({ code, category: describeError(code).category });
  };
  return (event) => {
    switch (event.kind) {
      case 'accepted':
        return metrics.accepted.inc({ priority: event.priority });
      case 'refused':
        return metrics.refusals.inc({ code: catalogued(event.code) });
      case 'ended':
        return recordEnd(event);
      case 'dispatched':
        metrics.queueWait.observe(toSeconds(event.waitedMs));
        if (event.routingMs !== undefined) metrics.routing.observe(toSeconds(event.routingMs));
        return;
      case 'attempt-ended':
        return metrics.generation.observe({ outcome: event.outcome }, toSeconds(event.generationMs));
      case 'retried':
        return metrics.retries.inc({ code: catalogued(event.code) });
      case 'breaker-changed':
        return metrics.breakerChanges.inc({ to: breakerLabel(event.to) });
      case 'worker-changed':
        metrics.workerChanges.inc({ to: event.to.toLowerCase() });
        if (event.from === 'TERMINATED' && event.to === 'INITIALIZING')
          metrics.workerRestarts.inc({ worker: labelOf(event.workerId) });
        return;
      case 'process-fault':
        return metrics.processFaults.inc({ origin: event.origin });
      case 'protection-changed':
        return;
      default:
        event satisfies never;
    }
  };
};
