import type { ErrorCode } from '@taleback/core';
import type { Refusal } from '../remote/service-refusal.ts';

/**
 * What the fork's words mean. The original fails with Flask's page for every reason, also for an unknown speaker, so
 * there its 500 is all that is known.
 */
export const coquiCode = ({ status, words, isPage }: Refusal): ErrorCode | undefined => {
  if (isPage) return undefined;
  if (status === 400) return /text parameter is required/iu.test(words) ? 'text_empty' : undefined;
  if (status !== 500) return undefined;
  if (/\bspeaker\b/iu.test(words)) return 'voice_not_found';
  return /\blanguage\b/iu.test(words) ? 'language_unsupported' : undefined;
};
