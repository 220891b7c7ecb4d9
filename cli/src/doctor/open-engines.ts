import { createWavEncoder, isRemote, openEngine, speaksLanguage, speakWord } from '@taleback/speech';
import type { EngineUnderTest } from '@taleback/speech/diagnosis';
import { parseConfig, type WorkerConfig } from '@taleback/worker/src/config.ts';
import type { Environment } from '../options.node.ts';
import { logErrors, withNarrator } from '../speech.ts';

type EngineName = WorkerConfig['engines']['names'][number];

/** The language of an engine's trial sentence: English where it is spoken or none is named, else the engine's first. */
export const trialLanguage = (languages: readonly string[]): string => {
  const [first = 'en'] = languages;
  return speaksLanguage(languages, 'en') ? 'en' : first;
};

const openUnderTest = async (
  name: EngineName,
  config: WorkerConfig,
  { environment, voiceId, isQuick }: EngineOptions,
): Promise<EngineUnderTest> => {
  const { engines, speech } = config;
  const parts = { engines, versions: speech.versions, environment, log: logErrors };
  const { plugin, close } = await openEngine(name, parts);
  // Its connections end with the command.
  if (isRemote(plugin)) {
    const { endpoint, probe, voices } = plugin;
    const speak = (signal: AbortSignal): Promise<void> => speakWord(plugin, signal, voiceId);
    return { name, endpoint, probe, voices, speak: isQuick ? undefined : speak };
  }
  await close();
  const { voices } = plugin;
  if (isQuick) return { name, voices, probe: async () => ({ details: 'It was not asked to speak.' }) };
  // The load of the machine has a check of its own.
  const alone = parseConfig({ ...environment, ENGINES: name, SYSTEM_PROTECTION: 'off' });
  return {
    name,
    voices,
    // An engine of this machine is tested by letting it speak.
    probe: async (signal) => {
      const sentence = { text: 'Ready to read.', language: trialLanguage(plugin.languages) };
      await withNarrator(alone, createWavEncoder(), signal, async (narrate) => {
        await narrate(sentence, { signal });
      });
      return { details: `It speaks, with ${voices().length} voices.` };
    },
  };
};

interface EngineOptions {
  readonly environment: Environment;
  readonly voiceId: string | undefined;
  /** Whether no engine is asked to speak. */
  readonly isQuick: boolean;
}

/** The configured engines. One that cannot be opened is there as well: its probe rejects with the reason. */
export const openEnginesUnderTest = (
  config: WorkerConfig,
  options: EngineOptions,
): Promise<readonly EngineUnderTest[]> =>
  Promise.all(
    config.engines.names.map((name) =>
      openUnderTest(name, config, options).catch((error: unknown) => ({
        name,
        probe: () => Promise.reject(error),
        voices: () => [],
      })),
    ),
  );
