import type { Diagnosis } from './diagnosis.ts';

/** A breaker as it is told: `BreakerStatus`, or the same after it went through JSON. */
export interface BreakerWords {
  readonly state: 'CLOSED' | 'OPEN' | 'HALF_OPEN' | 'ISOLATED';
  readonly consecutiveFailures?: number | undefined;
  readonly lastFailure?: Date | string | null | undefined;
}

const timeOf = (time: Date | string): string => {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString().replace('T', ' ').slice(0, 19);
};

const breakerLines = ({ state, consecutiveFailures = 0, lastFailure }: BreakerWords): string[] => [
  `${state === 'CLOSED' ? '✓' : '⚠️ '} TTS circuit breaker is ${state}`,
  ...(consecutiveFailures === 0
    ? []
    : [`  Failed ${consecutiveFailures} ${consecutiveFailures === 1 ? 'time' : 'times consecutively'}`]),
  ...(lastFailure === undefined || lastFailure === null ? [] : [`  Last failure: ${timeOf(lastFailure)}`]),
];

const failedLine = ({ summary, details }: Diagnosis): string =>
  `✗ ${summary}${details === undefined ? '' : ` (${details})`}`;

/**
 * A diagnosis in the words that people read. Times are UTC.
 *
 * @param breaker of the same engine, if there is one
 * @see seed 002, "Automatic Diagnostics on Failure"
 */
export const formatDiagnosis = (diagnosis: Diagnosis, breaker?: BreakerWords): string =>
  [
    diagnosis.ok ? `✓ Network connectivity to ${diagnosis.host} is working` : failedLine(diagnosis),
    diagnosis.ok ? '  The issue may be:' : '  What to do:',
    ...diagnosis.suggestions.map((suggestion) => `  - ${suggestion}`),
    ...(breaker === undefined ? [] : breakerLines(breaker)),
  ].join('\n');
