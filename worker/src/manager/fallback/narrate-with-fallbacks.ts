import { TalebackError, toTalebackError } from '@taleback/core';
import type { Log } from '../../observe/index.ts';
import type { FailedTry, Narrate, Narration, NarrationOptions } from '../narrate.ts';
import type { NarrationRequest } from '../plan-narration.ts';
import { whereElse } from './next-try.ts';

/** One engine of the chain. */
export interface FallbackLink {
  readonly engine: string;
  readonly narrate: Narrate;
  /** Voices to try for a request, the wished one first; undefined is the engine's own choice. Never empty. */
  readonly voicesFor: (request: NarrationRequest) => readonly (string | undefined)[];
}

/**
 * Narration that changes the voice, then the engine, when one fails, and ends in a clear failure when all did. The whole
 * text is spoken anew, so that a story never has two voices; progress stands still until the new try is as far.
 *
 * The failure is that of the first try, for it is about what was asked for; its details name the others.
 *
 * @see seed 002: "All 3 retries failed with voice de-DE-KillianNeural", then de-DE-ConradNeural; seed 003: graceful
 * degradation
 */
export const narrateWithFallbacks =
  (links: readonly [FallbackLink, ...FallbackLink[]], log: Log): Narrate =>
  async (request, options = {}) => {
    const onProgress = neverBack(options.onProgress);
    const failed: FailedTry[] = [];
    for (const { engine, narrate, voicesFor } of links) {
      const spoken = await tryVoices(
        voicesFor(request),
        (voiceId) => narrate({ ...request, voiceId }, { ...options, onProgress }),
        (voiceId, error) => {
          failed.push({ engine, voiceId, error });
          log('warn', 'a voice failed at a narration', { engine, voiceId, code: error.code });
        },
      );
      if (spoken !== undefined) return { ...spoken, failedBefore: failed };
    }
    throw clearFailure(failed);
  };

/** @returns undefined when the next engine is to be tried */
const tryVoices = async (
  voices: readonly (string | undefined)[],
  narrate: (voiceId: string | undefined) => Promise<Narration>,
  onFailure: (voiceId: string | undefined, error: TalebackError) => void,
): Promise<Narration | undefined> => {
  for (const voiceId of voices) {
    try {
      return await narrate(voiceId);
    } catch (thrown) {
      const error = toTalebackError(thrown);
      const elsewhere = whereElse(error.code);
      if (elsewhere === 'nowhere') throw error;
      onFailure(voiceId, error);
      if (elsewhere === 'next-engine') return undefined;
    }
  }
  return undefined;
};

const neverBack = (tell: NarrationOptions['onProgress']): NarrationOptions['onProgress'] => {
  let furthest = 0;
  return (fraction) => {
    if (fraction < furthest) return;
    furthest = fraction;
    tell?.(fraction);
  };
};

const clearFailure = (failed: readonly FailedTry[]): TalebackError => {
  const [first, ...others] = failed;
  if (first === undefined) return new TalebackError('model_unavailable', 'There is no engine to speak with.');
  if (others.length === 0) return first.error;
  const { code, message, retryable, retryAfterMs } = first.error;
  const details = failed
    .map(
      ({ engine, voiceId, error }) =>
        `${engine} ${voiceId ?? ''}: ${error.code}, ${error.details ?? error.message}`,
    )
    .join('; ');
  return new TalebackError(code, message, {
    details,
    retryable: retryable || others.some(({ error }) => error.retryable),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause: first.error,
  });
};
