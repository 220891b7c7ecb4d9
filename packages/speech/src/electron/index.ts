export { bindIpcMain, type IpcMainLike, TTS_CHANNELS } from './bind-ipc-main.ts';
export { parseIpcError } from './ipc-error.ts';
