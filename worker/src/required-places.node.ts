import { accessSync, constants, mkdtempSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, makePrivateFolder } from '@taleback/outbox';
import { createControlFile } from '@taleback/speech/operations';
import type { WorkerConfig } from './config.ts';
import { configurationFault } from './start-fault.ts';

/** A disk that is full now may have room later: jobs are refused until then. */
const PASSING_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT'];

const requirePlace = (variable: string, tryIt: () => void): void => {
  try {
    tryIt();
  } catch (error) {
    if (PASSING_CODES.includes((error as NodeJS.ErrnoException).code)) return;
    throw configurationFault(variable, error);
  }
};

const requireFolder = (variable: string, folder: string, make = makePrivateFolder): void =>
  requirePlace(variable, () => {
    make(folder);
    rmdirSync(mkdtempSync(join(folder, '.taleback-')));
  });

/** Engines that Python hosts. */
const IN_PYTHON = /^(?:espeak-ng|[a-z-]+-python|python:.*)$/;

/** A command without a path may be installed later: the engine is started again until then. */
const requirePython = ({ names, python }: WorkerConfig['engines']): void => {
  const { command, folder } = python;
  if (!names.some((name) => IN_PYTHON.test(name))) return;
  if (command.includes('/')) requirePlace('PYTHON', () => accessSync(command, constants.X_OK));
  if (folder !== undefined)
    requirePlace('PYTHON_FOLDER', () => accessSync(join(folder, 'taleback_speech', '__main__.py')));
};

/** Makes the folders of a worker, and tries them and its Python. @throws Error `configuration: …` that names the first at fault */
export const requirePlaces = (config: WorkerConfig): void => {
  const { storage, privateStorage, callbacks, source, cache, protection } = config;
  if (storage.kind === 'folder') requireFolder('AUDIO_FOLDER', storage.folder, makeFolder);
  requireFolder('OUTBOX_FOLDER', callbacks.outbox.folder);
  if (privateStorage.kind === 'private-folder') requireFolder('PRIVATE_FOLDER', privateStorage.folder);
  if (source.kind === 'runpod') requireFolder('RUNPOD_OUTBOX_FOLDER', source.runpodOutboxFolder);
  if (cache.isOn) requireFolder('SPEECH_CACHE_FOLDER', cache.folder);
  requirePython(config.engines);
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
