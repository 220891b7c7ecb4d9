import type { CacheFolder } from './cache-folder.ts';

interface FakeFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly writtenAtMs: number;
  readonly usedAtMs: number;
}

export interface FakeCacheFolder extends CacheFolder {
  /** What lies in the folder. */
  readonly files: Map<string, FakeFile>;
  /** Makes an operation fail from now on, or hang, or work again. */
  breaks: (operation: keyof CacheFolder, how: Error | 'hangs' | undefined) => void;
}

/** A cache folder in memory. It outlives the caches that are opened on it, as a disk does. */
export const createFakeCacheFolder = (): FakeCacheFolder => {
  const files = new Map<string, FakeFile>();
  const broken = new Map<keyof CacheFolder, Error | 'hangs'>();
  const check = async (operation: keyof CacheFolder): Promise<void> => {
    const how = broken.get(operation);
    if (how === 'hangs') await new Promise(() => {});
    else if (how !== undefined) throw how;
  };
  return {
    files,
    breaks: (operation, how) => {
      if (how === undefined) broken.delete(operation);
      else broken.set(operation, how);
    },
    prepare: () => check('prepare'),
    async *scan() {
      await check('scan');
      for (const [name, { bytes, ...times }] of Array.from(files)) {
        yield [{ name, sizeBytes: bytes.length, ...times }];
      }
    },
    read: async (name, maxBytes) => {
      await check('read');
      const file = files.get(name);
      if (file === undefined) return 'missing';
      return file.bytes.length > maxBytes ? 'oversized' : file.bytes.slice();
    },
    write: async (name, parts, atMs) => {
      await check('write');
      files.set(name, { bytes: new Uint8Array(Buffer.concat(parts)), writtenAtMs: atMs, usedAtMs: atMs });
    },
    touch: async (name, times) => {
      await check('touch');
      const file = files.get(name);
      if (file !== undefined) files.set(name, { bytes: file.bytes, ...times });
    },
    remove: async (name) => {
      await check('remove');
      files.delete(name);
    },
  };
};
