import { openSoundFiles } from '../../src/protocol/sound-files.node.ts';
import type { EnginePlugin, SynthesisEvent } from '../../src/pool/speech-line.ts';
import { TtsManager } from '../../src/chain/tts-manager.ts';
import type { TtsManagerOverrides } from '../../src/pool/pool-config.ts';
import { processChild } from '../../src/engines/hosted-plugins.node.ts';
import { STAGED_CHILD_ARGS } from '../children/own-child.ts';
import { createStagedEngine } from '../children/staged-engine.ts';

const log = (): void => {};

export interface StagedService {
  readonly manager: TtsManager;
  readonly events: SynthesisEvent[];
  /** The process id of each worker that has one. */
  readonly pids: () => ReadonlyMap<string, number>;
  readonly close: () => Promise<void>;
}

/** The manager with real child processes whose engine does what the text says. */
export const openStaged = async (overrides: TtsManagerOverrides): Promise<StagedService> => {
  const files = await openSoundFiles();
  const { name, languages, voices, prepareText } = createStagedEngine();
  const plugin: EnginePlugin = {
    name,
    languages,
    voices,
    prepareText,
    modelOf: () => 'staged',
    openChild: processChild({
      command: process.execPath,
      args: STAGED_CHILD_ARGS,
      env: {},
      files,
      log,
    }),
  };
  const events: SynthesisEvent[] = [];
  const manager = new TtsManager(overrides, {
    engines: [plugin],
    log,
    listeners: [(event) => void events.push(event)],
  });
  await manager.initialize();
  return {
    manager,
    events,
    pids: () => pidsOf(manager),
    close: async () => {
      await manager.shutdown(0);
      await files.close();
    },
  };
};

export const pidsOf = (manager: TtsManager): ReadonlyMap<string, number> =>
  new Map(
    manager
      .getStatus()
      .workers.flatMap(({ id, pid }) => (pid === undefined ? [] : [[id, pid] as [string, number]])),
  );
