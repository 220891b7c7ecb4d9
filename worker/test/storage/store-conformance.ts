import { createHash } from 'node:crypto';
import { audioKey } from '@taleback/core/storage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AudioObject } from '@taleback/handler';
import { recordKey } from '@taleback/core/storage';
import type { Library } from '../../src/storage/library.ts';

export interface OpenStore {
  readonly library: Library;
  readonly close: () => Promise<void>;
}

const LARGE_BYTES = 20 * 2 ** 20;
const WRITERS = 8;

const sound = (sizeBytes: number, seed = 0): Buffer =>
  Buffer.from(Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 31 + seed) % 251));

const digest = (bytes: Uint8Array | undefined): string =>
  createHash('sha256')
    .update(bytes ?? 'nothing')
    .digest('hex');

/** Keys that name no place: what leads elsewhere, and what one store or another does not take. */
const HOSTILE_KEYS = [
  '',
  '.',
  '..',
  '/a.mp3',
  '../a.mp3',
  'a/../../b.mp3',
  'a/./b.mp3',
  'a//b.mp3',
  'a/b.mp3/',
  'a\\..\\b.mp3',
  'C:\\a.mp3',
  'a\0.mp3',
  'a\r\nx-amz-acl: public-read.mp3',
  '\ud800.mp3',
  `${'x'.repeat(209)}.mp3`,
  `${'abcdefg/'.repeat(130)}a.mp3`,
];

/** Ids that make awkward keys. */
const AWKWARD_IDS = [
  '../..',
  '.hidden',
  'a b%2f#?&=+',
  'история '.repeat(40),
  '..',
  '~',
  "it's (1)*!",
  '日本語',
  '%',
];

/** Keys that were not made by `audioKey`, and that every store takes. */
const AWKWARD_KEYS = [
  'tales/Мария Ивановна.mp3',
  'a b/c+d.mp3',
  'a%2Fb.mp3',
  "q?x=1#f&'()*!.mp3",
  '...mp3',
  '~/@$:;,.mp3',
];

const keyOf = (story: string): string =>
  audioKey({ userId: 'u1', storyId: story, language: 'en', version: 'j1' });

/** The suite that every store passes. */
export const describeStore = (name: string, open: () => Promise<OpenStore>): void => {
  describe(`store: ${name}`, () => {
    let opened: OpenStore;
    let audio: Library;
    const put = (more: Partial<AudioObject> & { key: string }, signal?: AbortSignal) =>
      audio.put(
        { bytes: sound(10_000), contentType: 'audio/mpeg', metadata: { storyId: 's1' }, ...more },
        signal,
      );

    beforeAll(async () => {
      opened = await open();
      audio = opened.library;
    });
    afterAll(() => opened.close());

    test('gives back what it was given, and says how much there is', async () => {
      const key = keyOf('round-trip');
      const stored = await put({ key });
      expect(stored).toMatchObject({ key, sizeBytes: 10_000 });
      expect(digest(await audio.read(key))).toBe(digest(sound(10_000)));
      expect(await audio.find(key)).toMatchObject({ key, sizeBytes: 10_000 });
    });

    test('keeps what is known of the audio beside it', async () => {
      const key = keyOf('metadata');
      const metadata = { storyId: 'история', nested: { voices: ['a', 'b'] } };
      await put({ key, metadata });
      const sidecar = await audio.read(`${key}.json`);
      expect(JSON.parse(Buffer.from(sidecar ?? []).toString('utf8'))).toEqual({
        ...metadata,
        contentType: 'audio/mpeg',
        sizeBytes: 10_000,
      });
    });

    test('plays at the address that it gives, also a part, as what it is', async () => {
      const key = keyOf('address');
      const { url } = await put({ key });
      const whole = await fetch(url);
      expect([whole.status, whole.headers.get('content-type')]).toEqual([200, 'audio/mpeg']);
      expect(whole.headers.get('cache-control')).toContain('immutable');
      expect(digest(Buffer.from(await whole.arrayBuffer()))).toBe(digest(sound(10_000)));
      const part = await fetch(await audio.urlOf(key), { headers: { range: 'bytes=100-199' } });
      expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 100-199/10000']);
      expect(digest(Buffer.from(await part.arrayBuffer()))).toBe(digest(sound(10_000).subarray(100, 200)));
    });

    test.each(AWKWARD_IDS)('keeps the audio of a story called %j', async (id) => {
      const key = audioKey({ userId: id, storyId: id, language: 'en', version: id });
      const bytes = Buffer.from(id);
      const { url } = await put({ key, bytes });
      expect(digest(await audio.read(key))).toBe(digest(bytes));
      const answer = await fetch(url);
      expect([answer.status, digest(Buffer.from(await answer.arrayBuffer()))]).toEqual([200, digest(bytes)]);
    });

    test.each(AWKWARD_KEYS)('takes the key %j', async (key) => {
      const bytes = Buffer.from(key);
      await put({ key, bytes });
      expect(digest(await audio.read(key))).toBe(digest(bytes));
      expect(await audio.find(key)).toMatchObject({ key, sizeBytes: bytes.byteLength });
    });

    test.each(HOSTILE_KEYS)('refuses the key %j, whatever is asked', async (key) => {
      const refusal = { code: 'storage_upload_failed', retryable: false };
      await expect(put({ key })).rejects.toMatchObject(refusal);
      await expect(audio.read(key)).rejects.toMatchObject(refusal);
      await expect(audio.find(key)).rejects.toMatchObject(refusal);
      await expect(audio.urlOf(key)).rejects.toMatchObject(refusal);
      await expect(opened.library.keep(key, sound(1))).rejects.toMatchObject(refusal);
    });

    test('refuses an audio that would lie where the metadata of another does', async () => {
      await expect(put({ key: `${keyOf('sidecar')}.json` })).rejects.toMatchObject({
        code: 'storage_upload_failed',
        retryable: false,
      });
    });

    test('has nothing under a key that was never written', async () => {
      const key = keyOf('nobody');
      expect(await audio.read(key)).toBeUndefined();
      expect(await audio.find(key)).toBeUndefined();
    });

    test('takes no folder for an audio', async () => {
      await put({ key: 'shelf/book/page.mp3' });
      expect(await audio.read('shelf/book')).toBeUndefined();
      expect(await audio.find('shelf/book')).toBeUndefined();
    });

    test('replaces what lay under the same key, also by something shorter', async () => {
      const key = keyOf('replaced');
      await put({ key, metadata: { try: 1 } });
      await put({ key, bytes: sound(3, 9), metadata: { try: 2 } });
      expect(digest(await audio.read(key))).toBe(digest(sound(3, 9)));
      expect(await audio.find(key)).toMatchObject({ sizeBytes: 3 });
      const sidecar = Buffer.from((await audio.read(`${key}.json`)) ?? []).toString('utf8');
      expect(JSON.parse(sidecar)).toMatchObject({ try: 2, sizeBytes: 3 });
      await put({ key, bytes: sound(3, 9), metadata: { try: 2 } });
      expect(await audio.find(key)).toMatchObject({ sizeBytes: 3 });
    });

    test('keeps one whole audio when several write the same key at once', async () => {
      const key = keyOf('at-once');
      const bodies = Array.from({ length: WRITERS }, (_, index) => sound(50_000 + index, index));
      const whole = new Set(bodies.map(digest));
      const reads = bodies.map(async (bytes) => {
        await put({ key, bytes });
        return digest(await audio.read(key));
      });
      for (const read of await Promise.all(reads)) expect(whole).toContain(read);
      expect(whole).toContain(digest(await audio.read(key)));
    });

    test('never shows an audio without its metadata', async () => {
      const keys = Array.from({ length: 4 }, (_, index) => keyOf(`watched-${index}`));
      const written = new AbortController();
      const watch = async (key: string): Promise<boolean> => {
        while (!written.signal.aborted)
          if ((await audio.find(key)) !== undefined) return (await audio.read(`${key}.json`)) !== undefined;
        return true;
      };
      const write = async (): Promise<void> => {
        await Promise.all(keys.map((key) => put({ key }))).finally(() => written.abort());
      };
      const [seen] = await Promise.all([Promise.all(keys.map(watch)), write()]);
      expect(seen).toEqual(keys.map(() => true));
    });

    test('keeps twenty megabytes', async () => {
      const key = keyOf('large');
      const bytes = sound(LARGE_BYTES);
      const { url } = await put({ key, bytes });
      expect(await audio.find(key)).toMatchObject({ sizeBytes: LARGE_BYTES });
      expect(digest(await audio.read(key))).toBe(digest(bytes));
      const tail = await fetch(url, { headers: { range: `bytes=${LARGE_BYTES - 10}-${LARGE_BYTES - 1}` } });
      expect(digest(Buffer.from(await tail.arrayBuffer()))).toBe(digest(bytes.subarray(-10)));
    });

    test('sends the bytes of a view, not those around it', async () => {
      const key = keyOf('view');
      const around = sound(1_000);
      await put({ key, bytes: new Uint8Array(around.buffer, around.byteOffset + 10, 20) });
      expect(digest(await audio.read(key))).toBe(digest(around.subarray(10, 30)));
    });

    test('keeps documents, and replaces them', async () => {
      const key = recordKey('dead-letters', '../сказка', 1_700_000_000_000);
      await opened.library.keep(key, Buffer.from('{"first":true}'));
      await opened.library.keep(key, Buffer.from('{}'));
      expect(Buffer.from((await audio.read(key)) ?? []).toString()).toBe('{}');
    });

    test('lists the documents of a folder, and of no other', async () => {
      const { library: records } = opened;
      expect(await records.list('listed')).toEqual([]);
      const keys = ['listed/2026-01-02/a%2Fb-1.json', "listed/2026-01-02/q&a<'я 1>.json", 'listed/b.json'];
      for (const key of [...keys, 'listed-too/c.json', 'listed.json'])
        await records.keep(key, Buffer.from(key));
      expect([...(await records.list('listed'))].sort()).toEqual([...keys].sort());
      expect(Buffer.from((await records.read(keys[1] ?? '')) ?? []).toString()).toBe(keys[1]);
      await expect(records.list('../listed')).rejects.toMatchObject({ code: 'storage_upload_failed' });
    });

    test('moves a document, once', async () => {
      const { library: records } = opened;
      await records.keep('moved/1.json', Buffer.from('{}'));
      await records.move('moved/1.json', 'moved/done/1.json');
      await records.move('moved/1.json', 'moved/done/1.json');
      expect(await records.list('moved')).toEqual(['moved/done/1.json']);
      expect(Buffer.from((await records.read('moved/done/1.json')) ?? []).toString()).toBe('{}');
    });

    test.each([
      'voices/Мария Ивановна.wav',
      'private/users/u1/voices/ann.mp3',
      'recordings/2026-11-30/private/users/u1/x.recording',
      'failed_callbacks/2026-11-30/s1-1.json',
    ])('keeps %s, and gives it no address', async (key) => {
      const refusal = { code: 'storage_upload_failed', retryable: false };
      await opened.library.keep(key, Buffer.from(key));
      expect(Buffer.from((await audio.read(key)) ?? []).toString()).toBe(key);
      await expect(audio.urlOf(key)).rejects.toMatchObject(refusal);
      await expect(audio.find(key)).rejects.toMatchObject(refusal);
      await expect(put({ key })).rejects.toMatchObject(refusal);
      await opened.library.remove(key);
      await opened.library.remove(key);
      expect(await audio.read(key)).toBeUndefined();
    });

    test('can be checked, and nothing is left of it', async () => {
      const { place } = await audio.check();
      expect(place).not.toBe('');
      await Promise.all([audio.check(), audio.check()]);
    });

    test('does nothing after the caller has left', async () => {
      const key = keyOf('aborted');
      const signal = AbortSignal.abort();
      const cancelled = { code: 'job_cancelled' };
      await expect(put({ key }, signal)).rejects.toMatchObject(cancelled);
      await expect(audio.read(key, signal)).rejects.toMatchObject(cancelled);
      await expect(audio.find(key, signal)).rejects.toMatchObject(cancelled);
      await expect(audio.check(signal)).rejects.toMatchObject(cancelled);
      expect(await audio.find(key)).toBeUndefined();
    });
  });
};
