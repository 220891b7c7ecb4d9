import { TalebackError } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { createLibrary, type ObjectStore } from './library.ts';

const AUDIO = {
  key: 'a/b.mp3',
  bytes: Buffer.from('sound'),
  contentType: 'audio/mpeg',
  metadata: { by: 'ann' },
};
const FAULT = new TalebackError('storage_unavailable', 'away');

/** A store that remembers what it was asked, and fails where it is told to. */
const recordingStore = (more: Partial<ObjectStore> = {}) => {
  const kept = new Map<string, Uint8Array>();
  const asked: string[] = [];
  const objects: ObjectStore = {
    place: 'memory',
    write: async ({ key, bytes }) => {
      asked.push(`write ${key}`);
      kept.set(key, bytes);
    },
    read: async (key) => kept.get(key),
    list: async (prefix) => [...kept.keys()].filter((key) => key.startsWith(prefix)),
    sizeOf: async (key) => kept.get(key)?.byteLength,
    remove: async (key) => {
      asked.push(`remove ${key}`);
      kept.delete(key);
    },
    urlOf: async (key) => `memory:${key}`,
    close: () => Promise.resolve(),
    ...more,
  };
  return { library: createLibrary(objects), kept, asked };
};

describe('keeping an audio', () => {
  it('writes what is known of it first', async () => {
    const { library, asked } = recordingStore();
    expect(await library.put(AUDIO)).toEqual({ key: 'a/b.mp3', url: 'memory:a/b.mp3', sizeBytes: 5 });
    expect(asked).toEqual(['write a/b.mp3.json', 'write a/b.mp3']);
  });

  it('writes no audio whose metadata could not be kept', async () => {
    const keys: string[] = [];
    const { library } = recordingStore({
      write: async ({ key }) => {
        keys.push(key);
        throw FAULT;
      },
    });
    await expect(library.put(AUDIO)).rejects.toBe(FAULT);
    expect(keys).toEqual(['a/b.mp3.json']);
  });
});

describe('a store that has no addresses', () => {
  const unsigned = { urlOf: () => Promise.reject(FAULT) };

  it('is sent no audio', async () => {
    const { library, asked } = recordingStore(unsigned);
    await expect(library.put(AUDIO)).rejects.toBe(FAULT);
    expect(asked).toEqual([]);
  });

  it('fails its check before anything is written', async () => {
    const { library, asked } = recordingStore(unsigned);
    await expect(library.check()).rejects.toBe(FAULT);
    expect(asked).toEqual([]);
  });
});

describe('moving a document', () => {
  it('keeps it there before it removes it here', async () => {
    const { library, asked } = recordingStore();
    await library.keep('a/1.json', Buffer.from('{}'));
    await library.move('a/1.json', 'a/done/1.json');
    expect(asked).toEqual(['write a/1.json', 'write a/done/1.json', 'remove a/1.json']);
  });

  it('leaves it where it is when it cannot be kept there', async () => {
    const kept = new Map([['a/1.json', Buffer.from('{}')]]);
    const { library, asked } = recordingStore({
      read: async (key) => kept.get(key),
      write: () => Promise.reject(FAULT),
    });
    await expect(library.move('a/1.json', 'a/done/1.json')).rejects.toBe(FAULT);
    expect(asked).toEqual([]);
  });
});

describe('a check', () => {
  it('leaves nothing behind', async () => {
    const { library, kept, asked } = recordingStore();
    expect(await library.check()).toEqual({ place: 'memory' });
    expect(asked.map((one) => one.split(' ')[0])).toEqual(['write', 'remove']);
    expect(kept.size).toBe(0);
  });

  it.each([
    ['nothing', undefined],
    ['something else', Buffer.from('x')],
  ])('fails when %s comes back, and cleans up', async (_what, back) => {
    const { library, kept } = recordingStore({ read: async () => back });
    await expect(library.check()).rejects.toMatchObject({
      code: 'storage_unavailable',
      details: expect.stringMatching(/^memory: (none|1) of \d+ bytes of check-/),
    });
    expect(kept.size).toBe(0);
  });

  it('fails with what the store says, also when it cannot clean up', async () => {
    const { library } = recordingStore({
      read: () => Promise.reject(FAULT),
      remove: () => Promise.reject(new Error('cannot remove')),
    });
    await expect(library.check()).rejects.toBe(FAULT);
  });

  it('fails when nothing can be removed', async () => {
    const { library } = recordingStore({ remove: () => Promise.reject(FAULT) });
    await expect(library.check()).rejects.toBe(FAULT);
  });
});
