import type { AudioEncoder, Narrate } from '@taleback/speech';
import type { Log } from '@taleback/core';
import { readEnvironment, type WorkerConfig } from '@taleback/worker/src/config.ts';
import { openSpeech } from '@taleback/worker/src/speech.ts';

/** The speech service for one command. */
export interface CommandSpeech {
  readonly narrator: (encoder: AudioEncoder) => Narrate;
  readonly close: () => Promise<void>;
}

/** Errors only: a command reports the rest in its own words. */
export const logErrors: Log = (severity, message, fields) => {
  if (severity === 'error') process.stderr.write(`${message} ${JSON.stringify(fields ?? {})}\n`);
};

/**
 * Starts the engines of the configuration.
 *
 * @param signal ends the processes of engines that are still starting when it aborts
 * @throws TalebackError when no engine starts
 */
export const openCommandSpeech = async (
  config: WorkerConfig,
  signal?: AbortSignal,
): Promise<CommandSpeech> => {
  const { manager, close } = await openSpeech({ ...config, environment: readEnvironment(), log: logErrors });
  let closed: Promise<void> | undefined;
  const closeOnce = (): Promise<void> => (closed ??= close());
  const leave = (): void => void closeOnce().catch(() => {});
  signal?.addEventListener('abort', leave, { once: true });
  try {
    signal?.throwIfAborted();
    await manager.initialize();
  } catch (error) {
    await closeOnce();
    throw error;
  } finally {
    signal?.removeEventListener('abort', leave);
  }
  return { narrator: (encoder) => manager.narrator(encoder), close: closeOnce };
};
