import { jobOfUrl } from '@taleback/core/signatures';
import type { AuthenticationRules } from './authenticate.ts';
import type { Told } from './routes.ts';

/** Every secret that a job's address may have been made with. */
export const urlSecrets = ({ standard, hmac }: AuthenticationRules['secrets']): (string | Uint8Array)[] => [
  ...standard,
  ...hmac,
];

/**
 * The callback with the job that its address was made for: handlers at RunPod name RunPod's job, or none. Undefined
 * when somebody made up the address.
 */
export const tellOfJobInUrl = (
  url: string,
  told: Told,
  secrets: AuthenticationRules['secrets'],
): Told | undefined => {
  const job = jobOfUrl(url, urlSecrets(secrets), told.storyId);
  if (job.kind === 'forged') return undefined;
  return job.kind === 'none' ? told : { ...told, message: { ...told.message, jobId: job.jobId } };
};
