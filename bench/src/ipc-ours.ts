import { join } from 'node:path';
import { type HostedPlugin, type OpenSoundFiles, processChild, TtsManager } from '@taleback/speech';
import type { Asker, Start } from './ipc-asker.ts';
import type { Sound } from './ipc-sound.ts';

type OpenChild = HostedPlugin['openChild'];

const VOICE = 'bench';
/** Replacing a worker is no round trip. */
const NEVER = 1_000_000_000;
const log = (): void => {};

/** Children of our protocol, at this version. */
export const ourChildren = (
  { command, args }: Start,
  childFile: string,
  files: OpenSoundFiles,
  version: '2.1.0' | '2.0.0',
  mode = 'plain',
): OpenChild =>
  processChild({
    command,
    args: [...args, childFile, mode],
    env: {},
    files,
    versions: [version],
    log,
  });

/** The same files in a folder of the caller's. */
export const filesIn = (folder: string, files: OpenSoundFiles): OpenSoundFiles => {
  let count = 0;
  return {
    ...files,
    newPath: () => {
      count += 1;
      return join(folder, `${count}.wav`);
    },
  };
};

/** One child without a pool: the protocol alone. */
export const openAlone = (openChild: OpenChild): Promise<Asker> =>
  new Promise((resolve, reject) => {
    const waiting = new Map<string, { resolve: (sound: Sound) => void; reject: (error: Error) => void }>();
    let asked = 0;
    let ended: (() => void) | undefined;
    const child = openChild('worker-1', {
      onReady: () =>
        resolve({
          ask: (text) =>
            new Promise((resolve, reject) => {
              asked += 1;
              const correlationId = `req-${asked}-1`;
              waiting.set(correlationId, { resolve, reject });
              child.speak({ correlationId, request: { text, voiceId: VOICE }, retryCount: 0 });
            }),
          close: () =>
            new Promise((resolve) => {
              ended = resolve;
              child.leave();
            }),
        }),
      onSpoken: (correlationId, sound) => {
        waiting.get(correlationId)?.resolve(sound);
        waiting.delete(correlationId);
      },
      onFailed: (correlationId, { message, details }) => {
        waiting.get(correlationId)?.reject(new Error(`${message} ${details ?? ''}`));
        waiting.delete(correlationId);
      },
      onPulse: () => {},
      onEnd: (cause) => {
        ended?.();
        for (const { reject } of waiting.values()) reject(new Error(cause));
        reject(new Error(cause));
      },
    });
  });

/** Children behind queue, balancer, circuit breakers and statistics, as the product has them. */
export const openPool = async (openChild: OpenChild, workers: number): Promise<Asker> => {
  const plugin: HostedPlugin = {
    name: 'bench',
    languages: ['en'],
    voices: () => [{ id: VOICE, name: 'Bench', languages: ['en'] }],
    prepareText: (text) => text,
    modelOf: () => 'bench',
    openChild,
  };
  const manager = new TtsManager(
    { workerPool: { minWorkers: workers, maxWorkers: workers, recycleAfterJobs: NEVER } },
    { engines: [plugin], log },
  );
  await manager.initialize();
  while ((manager.getStatus().activeWorkers ?? 0) < workers) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    ask: (text) => manager.engine.synthesizeChunk({ text, voiceId: VOICE }),
    close: () => manager.shutdown(),
  };
};
