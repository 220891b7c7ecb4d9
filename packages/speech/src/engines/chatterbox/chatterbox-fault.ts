import type { ErrorCode } from '@taleback/core';
import type { Refusal } from '../remote/service-refusal.ts';

/** The server wraps its own refusals, and then a 400 comes as `500 {"detail":"400: ..."}`. */
const WRAPPED = /^([45]\d\d): (.+)$/su;

export const unwrapRefusal = (refusal: Refusal): Refusal => {
  const [, status, words] = WRAPPED.exec(refusal.words) ?? [];
  if (refusal.status !== 500 || status === undefined || words === undefined) return refusal;
  return unwrapRefusal({ ...refusal, status: Number(status), words });
};

/** That the uploaded recording is no longer there, as after a restart in a fresh container. */
export const isRecordingGone = ({ status, words }: Refusal): boolean =>
  status === 404 && /reference audio/iu.test(words);

/** What the server means; by its words, because it has no codes. */
export const chatterboxCode = (refusal: Refusal): ErrorCode | undefined => {
  const { status, words, isPage } = refusal;
  if (isPage) return undefined;
  if (isRecordingGone(refusal)) return 'voice_profile_missing';
  switch (status) {
    case 400:
      if (/reference audio/iu.test(words)) return 'voice_profile_corrupt';
      return /no usable chunks/iu.test(words) ? 'text_not_speakable' : undefined;
    case 404:
      return /voice file/iu.test(words) ? 'voice_not_found' : undefined;
    case 500:
      return /no output|invalid audio|failed to encode/iu.test(words) ? 'audio_missing' : undefined;
    case 503:
      return /model/iu.test(words) ? 'model_unavailable' : undefined;
    default:
      return undefined;
  }
};

/** Why an upload was refused. */
export const uploadCode = ({ status, isPage }: Refusal): ErrorCode | undefined => {
  if (status === 413 || status === 415) return 'voice_profile_format_invalid';
  return status === 400 && !isPage ? 'voice_profile_corrupt' : undefined;
};
