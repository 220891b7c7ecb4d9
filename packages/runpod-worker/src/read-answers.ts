import type { HttpAnswer, RunpodJob } from './platform.ts';

/** An entry that is no job. With an id it is answered with an error result, so that its caller hears of it. */
export interface FaultyEntry {
  readonly id: string | undefined;
  readonly fault: string;
}

/** What a job-take brought. */
export type TakeOutcome =
  | { readonly kind: 'jobs'; readonly jobs: readonly RunpodJob[]; readonly faulty: readonly FaultyEntry[] }
  /** 204, 400 ("expected when FlashBoot is enabled"), 200 without JSON, or the long poll ran its time. */
  | { readonly kind: 'none'; readonly why: string }
  /** 429. */
  | { readonly kind: 'throttled'; readonly retryAfter: string | undefined }
  /** Any other status, no answer at all, or an answer that cannot be read. */
  | { readonly kind: 'failed'; readonly why: string };

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const idOf = (entry: unknown): string | undefined => {
  const id = isObject(entry) ? entry['id'] : undefined;
  return typeof id === 'string' && id !== '' ? id : undefined;
};

const readEntry = (entry: unknown): { readonly job: RunpodJob } | FaultyEntry => {
  const id = idOf(entry);
  if (!isObject(entry)) return { id, fault: 'Job is not an object.' };
  const missing = [
    ...(id === undefined ? ['id'] : []),
    ...(entry['input'] === undefined || entry['input'] === null ? ['input'] : []),
  ];
  return id !== undefined && missing.length === 0
    ? { job: { ...entry, id, input: entry['input'] } }
    : { id, fault: `Job has missing field(s): ${missing.join(' or ')}.` };
};

/** An entry that is no job takes none of its neighbours down. */
const readEntries = (entries: readonly unknown[]): TakeOutcome => {
  if (entries.length === 0) return { kind: 'none', why: 'empty list' };
  const read = entries.map(readEntry);
  return {
    kind: 'jobs',
    jobs: read.flatMap((entry) => ('job' in entry ? [entry.job] : [])),
    faulty: read.flatMap((entry) => ('job' in entry ? [] : [entry])),
  };
};

/** Reads the answer to a job-take, single or batch: the body decides, not the address. */
export const readTake = ({ status, contentType, retryAfter, body }: HttpAnswer): TakeOutcome => {
  if (status === 204 || status === 400) return { kind: 'none', why: `answered ${status}` };
  if (status === 429) return { kind: 'throttled', retryAfter };
  if (status !== 200) return { kind: 'failed', why: `answered ${status}` };
  if (contentType !== 'application/json') return { kind: 'none', why: `content type "${contentType}"` };
  if (body === '') return { kind: 'none', why: 'empty body' };
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { kind: 'failed', why: 'the answer is not JSON' };
  }
  if (Array.isArray(json)) return readEntries(json);
  return isObject(json) ? readEntries([json]) : { kind: 'failed', why: 'the answer is no job' };
};

/** What a job-stop poll brought. */
export type StopOutcome =
  | { readonly kind: 'stops'; readonly jobIds: readonly string[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'throttled'; readonly retryAfter: string | undefined }
  | { readonly kind: 'failed'; readonly why: string };

const listed = (json: unknown): readonly unknown[] => {
  const jobs = (json as { jobsToStop?: unknown } | null)?.jobsToStop;
  return Array.isArray(jobs) ? jobs : [];
};

/** Reads `{"jobsToStop":["id",…]}`. Other shapes, and entries that are no text, mean none. */
export const readStops = ({ status, contentType, retryAfter, body }: HttpAnswer): StopOutcome => {
  if (status === 204) return { kind: 'none' };
  if (status === 429) return { kind: 'throttled', retryAfter };
  if (status !== 200) return { kind: 'failed', why: `answered ${status}` };
  if (contentType !== 'application/json' || body === '') return { kind: 'none' };
  try {
    const jobIds = listed(JSON.parse(body)).filter((id) => typeof id === 'string');
    return jobIds.length === 0 ? { kind: 'none' } : { kind: 'stops', jobIds };
  } catch {
    return { kind: 'failed', why: 'the answer is not JSON' };
  }
};
