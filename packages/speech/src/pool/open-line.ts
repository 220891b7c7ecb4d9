import type { Pcm } from '../audio/pcm.ts';
import { stretched } from '../audio/stretch.ts';
import type { SpeechChunk, SynthesisOptions, VoiceStyle } from '../engines/engine.ts';
import { RemoteLine } from './remote-line.ts';
import {
  type EnginePlugin,
  type HostedPlugin,
  isRemote,
  type LineOptions,
  type SpeechLine,
} from './speech-line.ts';
import { WorkerPool } from './worker-pool.ts';

export const openLine = (plugin: EnginePlugin, options: LineOptions): SpeechLine => {
  if (isRemote(plugin)) return new RemoteLine({ ...options, engine: plugin });
  const { openChild, openThread, modelOf, name } = plugin;
  const { modelSpecialization } = options.config.workerPool;
  const pool = new WorkerPool({
    ...options,
    openChild,
    openThread,
    modelOf: modelSpecialization ? modelOf : () => name,
  });
  return {
    start: () => pool.start(),
    speak: (chunk, speakOptions = {}) => speakHosted(pool, plugin, chunk, speakOptions),
    snapshot: () => pool.snapshot(),
    resetBreakers: () => pool.resetBreakers(),
    close: (drainMs) => pool.close(drainMs),
  };
};

/** Not async: without options of its own a chunk gets the pool's promise, which saves a microtask. */
const speakHosted = (
  pool: WorkerPool,
  { keepProfile, hasOneSpeed = false }: HostedPlugin,
  { text, voiceId, speed = 1, language, profile, style }: SpeechChunk,
  { signal, priority, tenant }: SynthesisOptions,
): Promise<Pcm> => {
  const needsStretching = hasOneSpeed && speed !== 1;
  const speak = (engineOptions?: Readonly<Record<string, unknown>>): Promise<Pcm> => {
    const asked = { text, voiceId, speed: needsStretching ? undefined : speed, language, priority };
    return pool.speak({ ...asked, engineOptions }, { signal, tenant });
  };
  if (!needsStretching && profile === undefined && style === undefined) return speak();
  return (async () => {
    const path = profile === undefined ? undefined : await keepProfile?.(profile);
    const sound = await speak(engineOptions(path, style));
    return needsStretching ? stretched(sound, speed) : sound;
  })();
};

/** Recording and style in the words of the line protocol; what is not given is left out. */
const engineOptions = (
  profilePath: string | undefined,
  { exaggeration, cfgWeight, temperature }: VoiceStyle = {},
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries({
      voice_profile_path: profilePath,
      exaggeration,
      cfg_weight: cfgWeight,
      temperature,
    }).filter(([, value]) => value !== undefined),
  );
