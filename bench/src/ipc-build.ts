import { bundle } from './bundle.ts';

/** @returns the program that measures */
export const buildIpcBench = async (): Promise<string> => {
  const fileOf = await bundle([
    'ipc-measure',
    'ipc-speech-child',
    'ipc-raw-child',
    'ipc-thread',
    'ipc-raw-thread',
    'ipc-piscina-thread',
  ]);
  return fileOf('ipc-measure');
};
