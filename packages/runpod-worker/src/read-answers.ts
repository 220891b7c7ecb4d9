import type { PollEnd } from './pacing.ts';
import type { HttpAnswer, RunpodJob } from './platform.ts';

/** An entry that is no job. With an id it is answered with an error result, so that its caller hears of it. */
export interface FaultyEntry {
  readonly id: string | undefined;
  readonly fault: string;
}

type Nothing = Exclude<PollEnd, { kind: 'found' }>;

export type TakeOutcome =
  | { readonly kind: 'jobs'; readonly jobs: readonly RunpodJob[]; readonly faulty: readonly FaultyEntry[] }
  | Nothing;

/** What a job-stop poll gave. */
export type StopOutcome = { readonly kind: 'stops'; readonly jobIds: readonly string[] } | Nothing;

/** The JSON of an answer, or why there is none. 200 without JSON is an empty poll. */
const readJson = ({
  status,
  contentType,
  retryAfter,
  body,
}: HttpAnswer): { readonly kind: 'json'; readonly json: unknown } | Nothing => {
  if (status === 204) return { kind: 'none' };
  if (status === 429) return { kind: 'throttled', retryAfter };
  if (status !== 200) return { kind: 'failed', why: `answered ${status}` };
  if (contentType !== 'application/json' || body === '') return { kind: 'none' };
  try {
    return { kind: 'json', json: JSON.parse(body) };
  } catch {
    return { kind: 'failed', why: 'the answer is not JSON' };
  }
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const readEntry = (entry: unknown): { readonly job: RunpodJob } | FaultyEntry => {
  if (!isRecord(entry)) return { id: undefined, fault: 'Job is not an object.' };
  const { id, input } = entry;
  const isNamed = typeof id === 'string' && id !== '';
  const hasInput = input !== undefined && input !== null;
  if (isNamed && hasInput) return { job: { ...entry, id, input } };
  const missing = [isNamed ? [] : 'id', hasInput ? [] : 'input'].flat().join(' or ');
  return { id: isNamed ? id : undefined, fault: `Job has missing field(s): ${missing}.` };
};

/** Reads the answer to a job-take, single or batch: the body decides, not the address. No entry harms its neighbours. */
export const readTake = (answer: HttpAnswer): TakeOutcome => {
  // Expected when FlashBoot is enabled.
  if (answer.status === 400) return { kind: 'none' };
  const read = readJson(answer);
  if (read.kind !== 'json') return read;
  const { json } = read;
  if (!isRecord(json) && !Array.isArray(json)) return { kind: 'failed', why: 'the answer is no job' };
  const entries = [json].flat().map(readEntry);
  if (entries.length === 0) return { kind: 'none' };
  return {
    kind: 'jobs',
    jobs: entries.flatMap((entry) => ('job' in entry ? [entry.job] : [])),
    faulty: entries.flatMap((entry) => ('job' in entry ? [] : [entry])),
  };
};

/** Reads `{"jobsToStop":["id",…]}`. Other shapes, and entries that are no text, mean none. */
export const readStops = (answer: HttpAnswer): StopOutcome => {
  const read = readJson(answer);
  if (read.kind !== 'json') return read;
  const listed = isRecord(read.json) ? read.json['jobsToStop'] : undefined;
  const jobIds = Array.isArray(listed) ? listed.filter((id) => typeof id === 'string') : [];
  return jobIds.length === 0 ? { kind: 'none' } : { kind: 'stops', jobIds };
};
