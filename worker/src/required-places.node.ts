import { mkdtempSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '@taleback/outbox';
import { createControlFile } from '@taleback/speech/operations';
import type { WorkerConfig } from './config.ts';
import { configurationFault } from './start-fault.ts';

/** A disk that is full now may have room later: jobs are refused until then. */
const PASSING_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT'];

const requireFolder = (variable: string, folder: string): void => {
  try {
    makeFolder(folder);
    rmdirSync(mkdtempSync(join(folder, '.taleback-')));
  } catch (error) {
    if (PASSING_CODES.includes((error as NodeJS.ErrnoException).code)) return;
    throw configurationFault(variable, error);
  }
};

/** Makes the folders of a worker, and tries them. @throws Error `configuration: …` that names the first at fault */
export const requirePlaces = ({ storage, callbacks, source, cache, protection }: WorkerConfig): void => {
  if (storage.kind === 'folder') requireFolder('AUDIO_FOLDER', storage.folder);
  requireFolder('OUTBOX_FOLDER', callbacks.outbox.folder);
  if (source.kind === 'runpod') requireFolder('RUNPOD_OUTBOX_FOLDER', source.runpodOutboxFolder);
  if (cache.isOn) requireFolder('SPEECH_CACHE_FOLDER', cache.folder);
  const control = createControlFile(protection.controlFile).read(undefined);
  if (control.kind === 'unreadable') throw configurationFault('CONTROL_FILE', control.cause);
};

/** @throws Error that names the variables of an address that cannot be listened on */
export const requireListening = async <T>(variables: string, opening: Promise<T>): Promise<T> => {
  try {
    return await opening;
  } catch (error) {
    // Another process may leave it.
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw isTaken
      ? new Error(`${variables}: ${(error as Error).message}`)
      : configurationFault(variables, error);
  }
};
