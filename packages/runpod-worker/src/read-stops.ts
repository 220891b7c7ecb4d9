import type { HttpAnswer } from './http.ts';

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
