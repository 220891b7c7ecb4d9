import { toTalebackError } from '@taleback/core';
import type { SynthesisRequest, SynthesisResult, TtsService } from '../manager/index.ts';
import type { ServiceStatus } from '../status/index.ts';
import { formatIpcError } from './ipc-error.ts';

/** The part of Electron's `ipcMain` that is used. */
export interface IpcMainLike {
  handle(channel: string, listener: (event: unknown, ...args: unknown[]) => unknown): void;
  removeHandler(channel: string): void;
}

/** @see seed 004, "Electron Integration" */
export const TTS_CHANNELS = { synthesize: 'tts-synthesize', status: 'tts-status' } as const;

/**
 * Answers a page's `ipcRenderer.invoke('tts-synthesize', request)` and `invoke('tts-status')` in Electron's main process.
 * A failure rejects in the page; `parseIpcError` tells there what it was.
 *
 * @returns a function that takes both away again
 */
export const bindIpcMain = (
  ipcMain: IpcMainLike,
  service: Pick<TtsService, 'synthesize' | 'getStatus'>,
): (() => void) => {
  const synthesize = async (_event: unknown, request: unknown): Promise<SynthesisResult> => {
    try {
      // The service reads it as what it is: something that came from a page.
      return await service.synthesize(request as SynthesisRequest);
    } catch (error) {
      // Of an error Electron passes the message only, and its stack must not leave this process.
      throw new Error(formatIpcError(toTalebackError(error)), { cause: error });
    }
  };
  ipcMain.handle(TTS_CHANNELS.synthesize, synthesize);
  try {
    ipcMain.handle(TTS_CHANNELS.status, (): ServiceStatus => service.getStatus());
  } catch (error) {
    // Both or none.
    ipcMain.removeHandler(TTS_CHANNELS.synthesize);
    throw error;
  }
  return () => {
    ipcMain.removeHandler(TTS_CHANNELS.synthesize);
    ipcMain.removeHandler(TTS_CHANNELS.status);
  };
};
