import type { IpcMainLike } from '../../src/electron.ts';

type Listener = Parameters<IpcMainLike['handle']>[1];

/**
 * Electron's `ipcMain`, as far as `handle` goes, with the page's `ipcRenderer.invoke` at its other end.
 *
 * @see https://www.electronjs.org/docs/latest/api/ipc-main#ipcmainhandlechannel-listener: arguments and results are
 * cloned by the structured clone algorithm, and of an error only the message passes
 */
export class FakeIpcMain implements IpcMainLike {
  readonly #handlers = new Map<string, Listener>();

  handle(channel: string, listener: Listener): void {
    if (this.#handlers.has(channel)) {
      throw new Error(`Attempted to register a second handler for '${channel}'`);
    }
    this.#handlers.set(channel, listener);
  }

  removeHandler(channel: string): void {
    this.#handlers.delete(channel);
  }

  async invoke(channel: string, ...args: readonly unknown[]): Promise<unknown> {
    const sent = structuredClone(args);
    try {
      const handler = this.#handlers.get(channel);
      if (handler === undefined) throw new Error(`No handler registered for '${channel}'`);
      return structuredClone(await handler({ sender: {} }, ...sent));
    } catch (error) {
      throw new Error(`Error invoking remote method '${channel}': ${String(error)}`, { cause: error });
    }
  }
}
