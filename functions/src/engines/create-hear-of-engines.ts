import { decideEngine, ENGINE_WORD_MS, parseEnginesReport } from '@taleback/core';
import { type HearOfEngines, type Log, RETRY_AFTER_SECONDS } from '../receive/index.ts';
import type { EngineStore } from './engine-store.ts';

export interface HearOfEnginesOptions {
  readonly engines: EngineStore;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Takes what workers, which hold no credentials of Firestore, tell of their engines. A report that comes twice, or
 * late, does no harm: the worker's next one is a minute away.
 */
export const createHearOfEngines =
  ({ engines, log, now }: HearOfEnginesOptions): HearOfEngines =>
  async (body) => {
    const parsed = parseEnginesReport(body);
    if (!parsed.ok) return { kind: 'wrong-shape', sentence: parsed.sentence };
    const report = parsed.value;
    const nowMs = now();
    const outcome = await engines.keep(report, nowMs + ENGINE_WORD_MS, (known, told) =>
      decideEngine(known, told, report, nowMs),
    );
    const about = { workerId: report.workerId, state: report.state };
    if (report.leftOut > 0)
      log('warn', 'odd voices and languages left out', { ...about, leftOut: report.leftOut });
    switch (outcome.kind) {
      case 'kept':
        log('info', 'engines told', { ...about, changed: outcome.changed });
        return { kind: 'accepted' };
      case 'store-away':
        log('error', 'Firestore is away', { ...about, cause: outcome.cause });
        return { kind: 'engines-not-kept', retryAfterSeconds: RETRY_AFTER_SECONDS };
      default:
        return outcome satisfies never;
    }
  };
