import { classifyWords, type ErrorCode, TalebackError } from '@taleback/core';
import { serviceFault } from '../remote/service-fault.ts';
import { type Refusal, readRefusal } from '../remote/service-refusal.ts';
import type { HttpAnswer } from '../remote/speech-http.ts';

/** What words of the service are believed; other readings of them say less than the code of the close frame. */
const TELLING: ReadonlySet<ErrorCode> = new Set([
  'credentials_invalid',
  'language_unsupported',
  'permission_denied',
  'provider_quota_exceeded',
  'provider_rate_limited',
  'text_too_long',
  'voice_language_mismatch',
  'voice_not_found',
]);

/** Close codes that lie with what was sent: kind of data, its content, policy. The others may pass. */
const REJECTING: ReadonlySet<number> = new Set([1003, 1007, 1008]);

export interface SocketEnd {
  readonly code: number;
  readonly reason: string;
  /** Sound that had come by then. */
  readonly audioBytes: number;
}

/** A connection that ended before the turn did. Sound that came is thrown away: its last words are missing. */
export const closedEarly = ({ code, reason, audioBytes }: SocketEnd): TalebackError => {
  const details = `closed with ${code}${reason === '' ? '' : ` "${reason.slice(0, 300)}"`} before turn.end`;
  if (audioBytes > 0) {
    return new TalebackError('audio_missing', 'The Edge service broke off in the middle of the sound.', {
      details: `${details}, after ${audioBytes} bytes of sound`,
    });
  }
  const read = classifyWords({ error: reason });
  if (TELLING.has(read))
    return new TalebackError(read, `The Edge service said: ${reason.slice(0, 300)}`, { details });
  if (REJECTING.has(code)) {
    return new TalebackError('provider_rejected', 'The Edge service did not accept the text.', { details });
  }
  // 1011 to 1014: internal error, restart, try again later, bad gateway.
  if (code >= 1011 && code <= 1014) {
    return new TalebackError('provider_unavailable', 'The Edge service is in trouble.', { details });
  }
  return new TalebackError('audio_missing', 'The Edge service closed the connection without any sound.', {
    details,
  });
};

/**
 * A turn that ended without a byte of sound. The wire does not say why: a voice that was withdrawn, a voice that does not
 * speak the language, an old browser version, too many requests from one address, an outage.
 */
export const noAudio = (): TalebackError =>
  new TalebackError('audio_missing', 'The Edge service ended its turn without any sound.', {
    details: 'NoAudioReceived: turn.end without audio',
  });

const codeOf = ({ status }: Refusal): ErrorCode | undefined =>
  status >= 500 ? 'provider_unavailable' : undefined;

/**
 * An answer of the service that is not what was asked for. A 403 is one that stayed after the clock was corrected.
 *
 * @param what was asked for, such as `handshake`
 */
export const refusedWith = (answer: HttpAnswer, what: string): TalebackError =>
  serviceFault(readRefusal(answer), {
    service: `edge (${what})`,
    codeOf,
    ...(answer.status === 403
      ? { note: 'also with its own time: the browser version may be too old, or this address is blocked' }
      : {}),
  });
