import type { SpeechChunk } from '../../engines/index.ts';
import type { KeepProfile } from '../engine-plugin.ts';
import type { WorkerPool } from '../pool/index.ts';
import { engineOptionsOf } from './engine-options.ts';
import type { SpeechLine } from './speech-line.ts';

/**
 * The line of an engine that children host.
 *
 * @param keepProfile puts a recording where the children can read it; absent for an engine that clones no voices
 */
export const createPoolLine = (pool: WorkerPool, keepProfile: KeepProfile | undefined): SpeechLine => ({
  start: () => pool.start(),
  speak: (chunk, { signal, priority, tenant } = {}) => {
    const { text, voiceId, speed, language, profile, style } = chunk;
    const request = { text, voiceId, speed, language, priority };
    const options = { signal, tenant };
    // A promise around the pool's own would cost every chunk another turn.
    if (profile === undefined && style === undefined) return pool.speak(request, options);
    return withOptions(chunk, keepProfile).then((engineOptions) =>
      pool.speak({ ...request, engineOptions }, options),
    );
  },
  snapshot: () => pool.snapshot(),
  resetBreakers: () => pool.resetBreakers(),
  close: (drainMs) => pool.close(drainMs),
});

const withOptions = async (
  { profile, style }: SpeechChunk,
  keepProfile: KeepProfile | undefined,
): Promise<Readonly<Record<string, unknown>>> =>
  engineOptionsOf(profile === undefined ? undefined : await keepProfile?.(profile), style);
