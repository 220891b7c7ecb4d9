import { type Pcm, stretched } from '../audio/index.ts';
import type { SpeechChunk, SynthesisOptions } from '../engines/index.ts';
import type { HostedPlugin } from './engine-plugin.ts';
import type { WorkerPool } from '../pool/pool-index.ts';
import { engineOptionsOf } from './engine-options.ts';
import type { SpeechLine } from './speech-line.ts';

/** The line of an engine that children host. */
export const createPoolLine = (
  pool: WorkerPool,
  plugin: Pick<HostedPlugin, 'keepProfile' | 'hasOneSpeed'>,
): SpeechLine => ({
  start: () => pool.start(),
  speak: (chunk, options = {}) => {
    const { speed = 1, profile, style } = chunk;
    const needsStretching = plugin.hasOneSpeed === true && speed !== 1;
    // A promise around the pool's own would cost every chunk another turn.
    if (!needsStretching && profile === undefined && style === undefined)
      return speakPlainly(pool, chunk, options);
    if (!needsStretching) return speakWithOptions(pool, plugin, chunk, options);
    return speakWithOptions(pool, plugin, { ...chunk, speed: undefined }, options).then((sound) =>
      stretched(sound, speed),
    );
  },
  snapshot: () => pool.snapshot(),
  resetBreakers: () => pool.resetBreakers(),
  close: (drainMs) => pool.close(drainMs),
});

const speakPlainly = (
  pool: WorkerPool,
  { text, voiceId, speed, language }: SpeechChunk,
  { signal, priority, tenant }: SynthesisOptions,
  engineOptions?: Readonly<Record<string, unknown>>,
): Promise<Pcm> =>
  pool.speak({ text, voiceId, speed, language, priority, engineOptions }, { signal, tenant });

const speakWithOptions = async (
  pool: WorkerPool,
  { keepProfile }: Pick<HostedPlugin, 'keepProfile'>,
  chunk: SpeechChunk,
  options: SynthesisOptions,
): Promise<Pcm> => {
  const { profile, style } = chunk;
  const path = profile === undefined ? undefined : await keepProfile?.(profile);
  return speakPlainly(pool, chunk, options, engineOptionsOf(path, style));
};
