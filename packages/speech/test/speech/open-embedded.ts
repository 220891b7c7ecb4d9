import { createMp3ThreadEncoder } from '../../src/audio/mp3-encoder.node.ts';
import type { Narrate } from '../../src/chain/narrate.ts';
import { TtsManager } from '../../src/chain/tts-manager.ts';
import type { TtsManagerOverrides } from '../../src/pool/pool-config.ts';
import { openFlitePlugin } from '../../src/engines/hosted-plugins.node.ts';

const log = (): void => {};

export interface EmbeddedService {
  readonly manager: TtsManager;
  readonly narrate: Narrate;
  /** Process ids of the speech children that live. */
  readonly pids: () => number[];
  readonly close: () => Promise<void>;
}

/** The embedded engine in real child processes, two from the start. */
export const openEmbedded = async (overrides: TtsManagerOverrides = {}): Promise<EmbeddedService> => {
  const { plugin, close } = await openFlitePlugin({
    environment: process.env,
    log,
  });
  const manager = new TtsManager(
    { workerPool: { minWorkers: 2, maxWorkers: 2 }, ...overrides },
    { engines: [plugin], log },
  );
  await manager.initialize();
  const encoder = createMp3ThreadEncoder();
  return {
    manager,
    narrate: manager.narrator(encoder),
    pids: () => manager.getStatus().workers.flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    close: async () => {
      await manager.shutdown(0);
      await encoder.close();
      await close();
    },
  };
};

/** Whether a process of this id is there, and no corpse. */
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
