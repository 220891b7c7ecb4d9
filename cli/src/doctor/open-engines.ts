import { createWavEncoder, isRemote, openEngine, speaksLanguage } from '@taleback/speech';
import type { EngineUnderTest } from '@taleback/speech/diagnosis';
import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import type { Environment } from '../options.node.ts';
import { logErrors, openCommandSpeech } from '../speech.ts';

type EngineName = WorkerConfig['engines']['names'][number];

/** The language of an engine's trial sentence: English where it is spoken or none is named, else the engine's first. */
export const trialLanguage = (languages: readonly string[]): string => {
  const [first = 'en'] = languages;
  return speaksLanguage(languages, 'en') ? 'en' : first;
};

const NEVER = { warning: Number.POSITIVE_INFINITY, critical: Number.POSITIVE_INFINITY };

/** An engine of this machine is tested by letting it speak. */
const speakOnce = async (
  config: WorkerConfig,
  name: EngineName,
  language: string,
  signal: AbortSignal,
): Promise<void> => {
  const engines = { ...config.engines, names: [name] as const };
  // The load of the machine has a check of its own.
  const options = { ...config.protection.options, thresholds: { cpu: NEVER, memory: NEVER, load: NEVER } };
  const protection = { ...config.protection, options };
  const speech = await openCommandSpeech({ ...config, engines, protection }, signal);
  try {
    await speech.narrator(createWavEncoder())({ text: 'Ready to read.', language }, { signal });
  } finally {
    await speech.close();
  }
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
  const probe = async (signal: AbortSignal) => {
    await speakOnce(config, name, trialLanguage(plugin.languages), signal);
    return { details: `It speaks, with ${plugin.voices().length} voices.` };
  };
  return { name: plugin.name, voices: plugin.voices, probe };
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
