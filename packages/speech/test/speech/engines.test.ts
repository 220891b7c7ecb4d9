import { systemClock } from '@taleback/resilience';
import { openSpeechThread } from '../../src/engines/speech-thread.node.ts';
import { describeSpeechEngine } from '../engines/engine-conformance.ts';
import { createFliteEngine, FLITE_PROFILE } from '../../src/engines/flite/flite-engine.ts';
import { compileFlite } from '../../src/engines/flite/flite-program.node.ts';
import type { EnginePlugin } from '../../src/pool/speech-line.ts';
import { TtsManager } from '../../src/chain/tts-manager.ts';
import { ownFile } from '../../src/own-files.node.ts';
import { openEmbedded } from './open-embedded.ts';

describeSpeechEngine('flite in this thread', async () => ({
  engine: createFliteEngine(await compileFlite()),
  close: async () => {},
}));

describeSpeechEngine('flite in child processes', async () => {
  const { manager, close } = await openEmbedded();
  return { engine: manager.engine, close };
});

describeSpeechEngine('flite in a thread, when no child comes up', async () => {
  const clock = systemClock;
  const openThread = openSpeechThread(ownFile('engines/flite/flite-thread'));
  const plugin: EnginePlugin = {
    ...FLITE_PROFILE,
    modelOf: () => 'flite',
    openThread,
    openChild: () => {
      throw new Error('no process can be started');
    },
  };
  const manager = new TtsManager({}, { engines: [plugin], clock, log: () => {} });
  await manager.initialize();
  return { engine: manager.engine, close: () => manager.shutdown() };
});
