import { createHmac, timingSafeEqual } from 'node:crypto';

/** The job that an address was made for. */
export type JobInUrl =
  | { readonly kind: 'none' }
  | { readonly kind: 'verified'; readonly jobId: string }
  | { readonly kind: 'forged' };

type Secret = string | Uint8Array;

/** Not a message of either signature scheme, so that no token is ever a signature of one. */
const PURPOSE = 'taleback-job-token\n';
const TOKEN = /^[\w-]{43}$/;

const digest = (secret: Secret, storyId: string, jobId: string): Buffer =>
  createHmac('sha256', secret).update(`${PURPOSE}${storyId}\n${jobId}`).digest();

/**
 * What proves that an address was made by us for one job of one story: HMAC-SHA256 over both ids, base64url. RunPod
 * signs nothing, and its handlers' success callbacks name no job, so the address has to.
 *
 * @example
 * import { signJobToken } from '@taleback/core/signatures';
 * signJobToken('secret', 's1', 'j1').length; // 43
 */
export const signJobToken = (secret: Secret, storyId: string, jobId: string): string =>
  digest(secret, storyId, jobId).toString('base64url');

/**
 * Whether one of the secrets made the token, in constant time.
 *
 * @example
 * import { signJobToken, verifyJobToken } from '@taleback/core/signatures';
 * verifyJobToken(['secret'], 's1', 'j1', signJobToken('secret', 's1', 'j1')); // true
 */
export const verifyJobToken = (
  secrets: readonly Secret[],
  storyId: string,
  jobId: string,
  token: string,
): boolean => {
  if (!TOKEN.test(token)) return false;
  const given = Buffer.from(token, 'base64url');
  // Every secret is tried, so that the time does not reveal which of them it was.
  return secrets.map((secret) => timingSafeEqual(digest(secret, storyId, jobId), given)).includes(true);
};

/**
 * The address with the job and its token in its query; what else stands there stays.
 *
 * @example
 * import { withJob } from '@taleback/core/signatures';
 * withJob('https://a.example/hook', 'secret', 's1', 'j1'); // 'https://a.example/hook?job=j1&token=...'
 */
export const withJob = (address: string, secret: Secret, storyId: string, jobId: string): string => {
  const url = new URL(address);
  url.searchParams.set('job', jobId);
  url.searchParams.set('token', signJobToken(secret, storyId, jobId));
  return url.href;
};

/**
 * Reads the job that an address was made for. One that lacks either part was made for none.
 *
 * @example
 * import { jobOfUrl } from '@taleback/core/signatures';
 * jobOfUrl('https://a.example/hook', ['secret'], 's1'); // { kind: 'none' }
 */
export const jobOfUrl = (address: string, secrets: readonly Secret[], storyId: string): JobInUrl => {
  const { searchParams } = new URL(address);
  const jobId = searchParams.get('job');
  const token = searchParams.get('token');
  if (!jobId || !token) return { kind: 'none' };
  return verifyJobToken(secrets, storyId, jobId, token) ? { kind: 'verified', jobId } : { kind: 'forged' };
};
