import { createWavEncoder, isRemote, openEngine, speaksLanguage } from '@taleback/speech';
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
  environment: Environment,
): Promise<EngineUnderTest> => {
  const { engines, speech } = config;
  const parts = { engines, versions: speech.versions, environment, log: logErrors };
  const { plugin, close } = await openEngine(name, parts);
  // Its connections end with the command.
  if (isRemote(plugin)) return plugin;
  await close();
  // The load of the machine has a check of its own.
  const alone = parseConfig({ ...environment, ENGINES: name, SYSTEM_PROTECTION: 'off' });
  return {
    name: plugin.name,
    voices: plugin.voices,
    // An engine of this machine is tested by letting it speak.
    probe: async (signal) => {
      const sentence = { text: 'Ready to read.', language: trialLanguage(plugin.languages) };
      await withNarrator(alone, createWavEncoder(), signal, async (narrate) => {
        await narrate(sentence, { signal });
      });
      return { details: `It speaks, with ${plugin.voices().length} voices.` };
    },
  };
};

/** The configured engines. One that cannot be opened is there as well: its probe rejects with the reason. */
export const openEnginesUnderTest = (
  config: WorkerConfig,
  environment: Environment,
): Promise<readonly EngineUnderTest[]> =>
  Promise.all(
    config.engines.names.map((name) =>
      openUnderTest(name, config, environment).catch((error: unknown) => ({
        name,
        probe: () => Promise.reject(error),
        voices: () => [],
      })),
    ),
  );
