import { describeSpeechEngine } from '../../src/engines/engine-conformance.ts';
import { createFliteEngine } from '../../src/engines/flite/flite-engine.ts';
import { compileFlite, FLITE_PROFILE } from '../../src/engines/index.ts';
import { pooledEngine, SpeechPool, speechThreadsFrom } from '../../src/manager/index.ts';
import { buildThreads } from '../build-threads.ts';

describeSpeechEngine('flite in this thread', async () => ({
  engine: createFliteEngine(await compileFlite()),
  close: async () => {},
}));

describeSpeechEngine('flite on a pool of threads', async () => {
  const { speechThreadFile } = await buildThreads();
  const pool = new SpeechPool({
    openThread: speechThreadsFrom(speechThreadFile, await compileFlite()),
    size: 2,
  });
  return { engine: pooledEngine(FLITE_PROFILE, pool), close: () => pool.close() };
});
