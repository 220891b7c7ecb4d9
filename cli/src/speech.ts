import { type Log, logFields } from '@taleback/core';
import type { AudioEncoder, Narrate } from '@taleback/speech';
import { readEnvironment, type WorkerConfig } from '@taleback/worker/src/config.ts';
import { openSpeech } from '@taleback/worker/src/speech.ts';

/** Errors only: a command reports the rest in its own words. */
export const logErrors: Log = (severity, message, fields) => {
  if (severity === 'error') process.stderr.write(`${message} ${JSON.stringify(logFields(fields))}\n`);
};

/**
 * Starts the engines of the configuration for one command, and ends them and the encoder after it.
 *
 * @param signal ends the processes of engines that are still starting when it aborts
 * @throws TalebackError when no engine starts; what `use` throws
 */
export const withNarrator = async (
  config: WorkerConfig,
  encoder: AudioEncoder,
  signal: AbortSignal,
  use: (narrate: Narrate) => Promise<void>,
): Promise<void> => {
  let closing: Promise<void> | undefined;
  encoder.prepare?.();
  try {
    const speech = await openSpeech({
      ...config,
      environment: readEnvironment(),
      inThreads: true,
      log: logErrors,
    });
    const close = (): Promise<void> => (closing ??= speech.close());
    const leave = (): void => void close().catch(() => {});
    signal.addEventListener('abort', leave, { once: true });
    try {
      signal.throwIfAborted();
      await speech.manager.initialize();
      signal.removeEventListener('abort', leave);
      await use(speech.manager.narrator(encoder));
    } finally {
      signal.removeEventListener('abort', leave);
      await close();
    }
  } finally {
    await encoder.close();
  }
};
