import { TalebackError, toTalebackError } from '@taleback/core';
import type { Log } from '../status/index.ts';
import type { FailedTry, Narrate, Narration, NarrationOptions } from '../manager/narrate.ts';
import { whereElse } from './next-try.ts';
import { type ChainEngine, planChain } from './plan-chain.ts';

export interface FallbackOptions {
  /** In the order of preference. */
  readonly engines: readonly ChainEngine[];
  /** Voices of one engine that are tried, at least 1. */
  readonly mostVoices: number;
  readonly log: Log;
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
  ({ engines, mostVoices, log }: FallbackOptions): Narrate =>
  async (request, options = {}) => {
    const onProgress = neverBack(options.onProgress);
    const failed: FailedTry[] = [];
    for (const { engine, voices } of planChain(engines, request, mostVoices)) {
      const { name } = engine.profile;
      const ownsVoice = request.profile === undefined || engine.profile.clonesVoices === true;
      const asked = ownsVoice ? request : { ...request, profile: undefined };
      const spoken = await tryVoices(
        voices,
        (voiceId) => engine.narrate({ ...asked, voiceId }, { ...options, onProgress }),
        (voiceId, error) => {
          failed.push({ engine: name, voiceId, error });
          log('warn', 'a voice failed at a narration', { engine: name, voiceId, code: error.code });
        },
        () => failed.length > 0,
      );
      if (spoken !== undefined) return { ...spoken, failedBefore: failed };
    }
    throw clearFailure(failed);
  };

/**
 * @param isSubstitute for a voice that failed: what a stand-in cannot do says nothing about what was asked for
 * @returns undefined when the next engine is to be tried
 */
const tryVoices = async (
  voices: readonly (string | undefined)[],
  narrate: (voiceId: string | undefined) => Promise<Narration>,
  onFailure: (voiceId: string | undefined, error: TalebackError) => void,
  isSubstitute: () => boolean,
): Promise<Narration | undefined> => {
  for (const voiceId of voices) {
    try {
      return await narrate(voiceId);
    } catch (thrown) {
      const error = toTalebackError(thrown);
      const isUnable = error.category === 'input' || error.category === 'voice';
      const elsewhere = isSubstitute() && isUnable ? 'next-engine' : whereElse(error.code);
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
    furthest = Math.max(furthest, fraction);
    // Told again although it stands still: it is a sign of life.
    tell?.(furthest);
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
