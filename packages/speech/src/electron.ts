import { type ErrorCode, isErrorCode, type TalebackError, toTalebackError } from '@taleback/core';
import type { SynthesisRequest, SynthesisResult } from './chain/synthesis-request.ts';
import type { TtsService } from './chain/tts-manager.ts';

/** The part of Electron's `ipcMain` that is used. */
export interface IpcMainLike {
  handle(channel: string, listener: (event: unknown, ...args: unknown[]) => unknown): void;
  removeHandler(channel: string): void;
}

/** @see docs/origins.md#service */
export const TTS_CHANNELS = { synthesize: 'tts-synthesize', status: 'tts-status' } as const;

/**
 * Answers a page's `ipcRenderer.invoke('tts-synthesize', request)` and `invoke('tts-status')` in Electron's main process.
 * A failure rejects in the page, where `parseIpcError` reads it.
 *
 * @returns a function that removes both
 * @example
 * const manager = new TtsManager();
 * // In an application: import { ipcMain } from 'electron';
 * const ipcMain = { handle: () => {}, removeHandler: () => {} };
 * const unbind = bindIpcMain(ipcMain, manager);
 * unbind();
 */
export const bindIpcMain = (
  ipcMain: IpcMainLike,
  service: Pick<TtsService, 'synthesize' | 'getStatus'>,
): (() => void) => {
  ipcMain.handle(TTS_CHANNELS.synthesize, async (_event, request): Promise<SynthesisResult> => {
    try {
      // The service validates it: it came from a page.
      return await service.synthesize(request as SynthesisRequest);
    } catch (error) {
      // Electron passes only the message of an error, and its stack must not leave this process.
      throw new Error(formatIpcError(toTalebackError(error)), { cause: error });
    }
  });
  try {
    ipcMain.handle(TTS_CHANNELS.status, () => service.getStatus());
  } catch (error) {
    ipcMain.removeHandler(TTS_CHANNELS.synthesize);
    throw error;
  }
  return () => {
    for (const channel of Object.values(TTS_CHANNELS)) ipcMain.removeHandler(channel);
  };
};

/**
 * An error as one message, its code first.
 *
 * @example
 * import { TalebackError } from '@taleback/core';
 * import { formatIpcError } from '@taleback/speech/electron';
 * formatIpcError(new TalebackError('text_empty', 'The text is empty.')); // [text_empty] The text is empty.
 */
export const formatIpcError = ({ code, message }: TalebackError): string => `[${code}] ${message}`;

/**
 * The code and sentence in a message, whatever Electron put before it; `unknown` when it is not one of ours.
 *
 * @example
 * const message = "Error invoking remote method 'tts-synthesize': Error: [text_empty] The text is empty.";
 * console.log(parseIpcError(message).code); // text_empty
 */
export const parseIpcError = (text: string): { readonly code: ErrorCode; readonly message: string } => {
  const [, code, message] = /\[([a-z_]+)\] (.*)$/su.exec(text) ?? [];
  return isErrorCode(code) ? { code, message: message ?? '' } : { code: 'unknown', message: text };
};
