import { isJsonObject, type Parsed } from '@taleback/core';

/** How a job stands at RunPod: the body of its webhook, and of `/status`. */
export interface RunpodReport {
  readonly runpodJobId: string;
  readonly stage: 'under-way' | 'completed' | 'failed' | 'cancelled' | 'timed-out';
  readonly output: unknown;
  readonly error: unknown;
  readonly workerId: string | undefined;
  readonly executionTimeMs: number | undefined;
}

const STAGES: ReadonlyMap<unknown, RunpodReport['stage']> = new Map([
  ['IN_QUEUE', 'under-way'],
  ['IN_PROGRESS', 'under-way'],
  ['RUNNING', 'under-way'],
  ['COMPLETED', 'completed'],
  ['FAILED', 'failed'],
  ['CANCELLED', 'cancelled'],
  ['TIMED_OUT', 'timed-out'],
]);

const MAX_ID_CHARACTERS = 200;

const fault = (field: string, what: string): Parsed<never> => ({
  ok: false,
  field,
  sentence: `${field}: ${what}`,
});

/** Parses what RunPod tells of a job. Fields that no decision needs are taken when they make sense. */
export const parseRunpodReport = (input: unknown): Parsed<RunpodReport> => {
  if (!isJsonObject(input)) return fault('body', 'must be a JSON object');
  const { id, status, output, error, workerId, executionTime } = input;
  if (typeof id !== 'string' || id === '' || id.length > MAX_ID_CHARACTERS)
    return fault('id', `must be a string of 1 to ${MAX_ID_CHARACTERS} characters`);
  const stage = STAGES.get(status);
  if (stage === undefined) return fault('status', "must be one of RunPod's job states");
  const value = {
    runpodJobId: id,
    stage,
    output,
    error,
    workerId:
      typeof workerId === 'string' && workerId !== '' ? workerId.slice(0, MAX_ID_CHARACTERS) : undefined,
    executionTimeMs: typeof executionTime === 'number' && executionTime >= 0 ? executionTime : undefined,
  };
  return { ok: true, value };
};
