import type { OutboxFiles } from './outbox-files.ts';

export interface FakeOutboxFiles extends OutboxFiles {
  /** What lies in the folder. */
  readonly files: Map<string, Uint8Array>;
  readonly aside: Map<string, string>;
  /** Makes an operation fail from now on, or work again. */
  breaks: (operation: keyof OutboxFiles, error: Error | undefined) => void;
}

/** An outbox folder in memory. It outlives the outboxes that are opened on it, as a disk does. */
export const createFakeOutboxFiles = (): FakeOutboxFiles => {
  const files = new Map<string, Uint8Array>();
  const aside = new Map<string, string>();
  const broken = new Map<keyof OutboxFiles, Error>();
  const check = async (operation: keyof OutboxFiles): Promise<void> => {
    const error = broken.get(operation);
    if (error !== undefined) throw error;
  };
  return {
    files,
    aside,
    breaks: (operation, error) => {
      if (error === undefined) broken.delete(operation);
      else broken.set(operation, error);
    },
    prepare: () => check('prepare'),
    sweep: () => check('sweep'),
    list: async () => {
      await check('list');
      return [...files.keys()];
    },
    write: async (file, bytes) => {
      await check('write');
      files.set(file, bytes);
    },
    read: async (file, maxBytes) => {
      await check('read');
      const bytes = files.get(file);
      if (bytes !== undefined && bytes.byteLength > maxBytes) throw new RangeError('too large');
      return bytes;
    },
    remove: async (file) => {
      await check('remove');
      files.delete(file);
    },
    setAside: async (file, reason) => {
      await check('setAside');
      if (files.delete(file)) aside.set(file, reason);
    },
  };
};
