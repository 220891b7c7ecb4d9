import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { TalebackError } from '@taleback/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AudioServer, createFolderObjects, openAudioServer } from '../../src/storage/folder.node.ts';
import { audioKey } from '@taleback/core/storage';
import { createLibrary, type Library } from '../../src/storage/library.ts';

const KEY = 'private/users/u1/stories/audio/en/s1/j1.mp3';
const BYTES = Buffer.from(Array.from({ length: 10_000 }, (_, index) => index % 251));

let top: string;
let folder: string;
let server: AudioServer;
let store: Library;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'taleback-audio-'));
  folder = join(top, 'audio');
  await mkdir(folder);
  server = await openAudioServer({ folder, host: '127.0.0.1', port: 0 });
  store = createLibrary(createFolderObjects(folder, server.url));
});
afterEach(async () => {
  await server.close();
  await rm(top, { recursive: true, force: true });
});

const put = (key = KEY, bytes: Uint8Array = BYTES, metadata: Record<string, unknown> = { storyId: 's1' }) =>
  store.put({ key, bytes, contentType: 'audio/mpeg', metadata });

const filesIn = async (path: string): Promise<string[]> => {
  const found = await readdir(path, { recursive: true, withFileTypes: true });
  return found
    .filter((one) => one.isFile())
    .map(({ name }) => name)
    .sort();
};

describe('a private folder', () => {
  it('is for its user only, at any depth', async () => {
    const hidden = createLibrary(createFolderObjects(join(top, 'private'), undefined));
    await hidden.keep('failed_callbacks/2026-11-30/s1-1.json', Buffer.from('{}'));
    const paths = [
      '.',
      'failed_callbacks',
      'failed_callbacks/2026-11-30',
      'failed_callbacks/2026-11-30/s1-1.json',
    ];
    const modes = paths.map(async (path) =>
      ((await stat(join(top, 'private', path))).mode & 0o777).toString(8),
    );
    expect(await Promise.all(modes)).toEqual(['700', '700', '700', '600']);
  });
});

describe('the folder as a store', () => {
  it('keeps the audio and what is known of it, and says where it plays', async () => {
    expect(await put()).toEqual({ key: KEY, url: `${server.url}/${KEY}`, sizeBytes: BYTES.byteLength });
    expect((await readFile(join(folder, KEY))).equals(BYTES)).toBe(true);
    expect(JSON.parse(await readFile(join(folder, `${KEY}.json`), 'utf8'))).toEqual({
      storyId: 's1',
      contentType: 'audio/mpeg',
      sizeBytes: BYTES.byteLength,
    });
    expect(await filesIn(folder)).toEqual(['j1.mp3', 'j1.mp3.json']);
  });

  it('replaces the audio of the same key, also when two arrive at once', async () => {
    await put(KEY, Buffer.alloc(5, 1));
    const bodies = Array.from({ length: 8 }, (_, index) => Buffer.alloc(50_000, index));
    const reads: Promise<Buffer>[] = [];
    await Promise.all(
      bodies.map(async (body) => {
        await put(KEY, body);
        reads.push(readFile(join(folder, KEY)));
      }),
    );
    for (const read of await Promise.all(reads)) {
      expect(bodies.some((body) => body.equals(read))).toBe(true);
    }
    expect(await filesIn(folder)).toEqual(['j1.mp3', 'j1.mp3.json']);
  });

  it('plays what any ids made, through the address it gave', async () => {
    const awkward = ['../..', '.hidden', 'a b%2f#?', 'история '.repeat(40), '..', '~', "it's"];
    for (const id of awkward) {
      const key = audioKey({ userId: id, storyId: id, language: 'en', version: id });
      const { url } = await put(key);
      const answer = await fetch(url);
      expect([id, answer.status]).toEqual([id, 200]);
      expect(Buffer.from(await answer.arrayBuffer()).equals(BYTES)).toBe(true);
    }
    expect(await readdir(top)).toEqual(['audio']);
  });

  it.each(['../x.mp3', 'a/../../x.mp3', '../audio-of-others/x.mp3', '..', '', '.'])(
    'refuses the key %j, which leaves the folder',
    async (key) => {
      await expect(put(key)).rejects.toMatchObject({
        code: 'storage_upload_failed',
        details: expect.stringContaining('leaves the folder'),
      });
      expect(await filesIn(top)).toEqual([]);
    },
  );

  it('fails with a code of the catalogue and the cause, and leaves no draft', async () => {
    await writeFile(join(folder, 'private'), 'a file where a folder should be');
    const fault = await put().catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(TalebackError);
    expect(fault).toMatchObject({
      code: 'storage_upload_failed',
      retryable: true,
      details: expect.stringContaining(KEY),
      cause: { code: expect.stringMatching(/^E/) },
    });
    await mkdir(join(folder, `other/${KEY}/taken`), { recursive: true });
    await expect(put(`other/${KEY}`)).rejects.toMatchObject({ code: 'storage_upload_failed' });
    expect((await filesIn(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('says that the disk is full when it is, and keeps what was there before', async () => {
    await put();
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    // What a file cannot hold: a body whose second part the disk refuses.
    const body = (async function* () {
      yield Buffer.alloc(10);
      throw full;
    })();
    await expect(put(KEY, body as unknown as Uint8Array)).rejects.toMatchObject({
      code: 'disk_full',
      cause: full,
      details: expect.stringContaining('no space left'),
    });
    expect((await readFile(join(folder, KEY))).equals(BYTES)).toBe(true);
    expect(await filesIn(folder)).toEqual(['j1.mp3', 'j1.mp3.json']);
  });
});

/** A request as it stands, past every client that would tidy its address. */
const raw = async (head: string, host = '\r\nhost: localhost'): Promise<string> => {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write(`${head}${host}\r\nconnection: close\r\n\r\n`);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
};

describe('the audio server', () => {
  const get = (headers: Record<string, string> = {}, method = 'GET') =>
    fetch(`${server.url}/${KEY}`, { method, headers });
  beforeEach(() => put());

  it('serves the whole, for a year, as audio that any page may play', async () => {
    const answer = await get();
    expect([answer.status, Object.fromEntries(answer.headers)]).toEqual([
      200,
      expect.objectContaining({
        'content-type': 'audio/mpeg',
        'content-length': String(BYTES.byteLength),
        'accept-ranges': 'bytes',
        'cache-control': 'public, max-age=31536000, immutable',
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'cross-origin',
      }),
    ]);
    expect(Buffer.from(await answer.arrayBuffer()).equals(BYTES)).toBe(true);
  });

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=100-199', 100, 200],
    ['bytes=9000-', 9_000, 10_000],
    ['bytes=-10', 9_990, 10_000],
    ['bytes=9990-99999', 9_990, 10_000],
  ])('serves the part %s', async (range, start, end) => {
    const answer = await get({ range });
    expect([answer.status, answer.headers.get('content-range')]).toEqual([
      206,
      `bytes ${start}-${end - 1}/10000`,
    ]);
    expect(Buffer.from(await answer.arrayBuffer()).equals(BYTES.subarray(start, end))).toBe(true);
  });

  it('has no part beyond the end, and no cache may remember that', async () => {
    const answer = await get({ range: 'bytes=10000-' });
    expect([answer.status, answer.headers.get('content-range')]).toEqual([416, 'bytes */10000']);
    expect(await answer.text()).toBe('');
    expect(answer.headers.get('cache-control')).toBeNull();
  });

  it('answers HEAD without a body, and 304 to those who have it', async () => {
    const head = await get({}, 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10000', '']);
    const again = await raw(`GET /audio/${KEY} HTTP/1.1\r\nif-none-match: ${head.headers.get('etag')}`);
    expect(again).toMatch(/^HTTP\/1\.1 304 /);
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('does not take %s', async (method) => {
    const answer = await get({}, method);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await get()).status).toBe(200);
  });

  it.each([
    `/audio/${KEY}.json`,
    `/audio/${KEY}%2ejson`,
    '/audio/nothing.mp3',
    '/audio/',
    '/audio',
    '/',
    `/${KEY}`,
    '/audio/private',
    '/audio/folder.mp3',
    '/audio/folder.mp3/',
    '/audio/.hidden.mp3',
    '/audio/.git/x.mp3',
    '/audio//.hidden.mp3',
  ])('has nothing at %s', async (path) => {
    await mkdir(join(folder, 'folder.mp3'));
    await mkdir(join(folder, '.git'));
    await writeFile(join(folder, '.git/x.mp3'), 'secret');
    await writeFile(join(folder, '.hidden.mp3'), 'secret');
    const answer = await fetch(new URL(path, server.url));
    expect([answer.status, await answer.text()]).toEqual([404, '']);
  });

  const VOICE = 'private/users/u1/voices/ann.mp3';
  it.each([
    VOICE,
    'private/users/u1/ann.mp3',
    'people/ann.mp3',
    'voices/ann.mp3',
    'recordings/2026-11-30/private/users/u1/ann.mp3',
    'failed_callbacks/2026-11-30/s1-1.mp3',
  ])('has nothing at %s, which is no narration', async (key) => {
    await mkdir(dirname(join(folder, key)), { recursive: true });
    await writeFile(join(folder, key), 'a recording of a voice');
    for (const path of [key, key.replace('/', '%2f'), `private/../${key}`]) {
      const { status } = await fetch(`${server.url}/${path}`);
      expect(status).toBe(404);
    }
    await expect(store.urlOf(VOICE)).rejects.toMatchObject({
      code: 'storage_upload_failed',
      retryable: false,
    });
    await expect(put(VOICE)).rejects.toMatchObject({ code: 'storage_upload_failed', retryable: false });
  });

  it.each(['file', 'folder'])(
    'follows no link of a %s to what is no narration of the folder',
    async (kind) => {
      await mkdir(join(top, 'elsewhere'));
      for (const place of [join(top, 'elsewhere', 'pw.mp3'), join(folder, VOICE)]) {
        await mkdir(dirname(place), { recursive: true });
        await writeFile(place, 'secret');
        await writeFile(`${place}.json`, '{}');
        await rm(join(folder, 'link'), { recursive: true, force: true });
        if (kind === 'folder') await symlink(dirname(place), join(folder, 'link'));
        else {
          await mkdir(join(folder, 'link'));
          await symlink(place, join(folder, 'link', basename(place)));
          await writeFile(join(folder, 'link', `${basename(place)}.json`), '{}');
        }
        expect((await fetch(`${server.url}/link/${basename(place)}`)).status).toBe(404);
      }
    },
  );

  it('follows a link to a narration, and serves from a folder that is one', async () => {
    await symlink(join(folder, KEY), join(folder, 'same.mp3'));
    await symlink(folder, join(top, 'linked'));
    const other = await openAudioServer({ folder: join(top, 'linked'), host: '127.0.0.1', port: 0 });
    expect((await fetch(`${server.url}/same.mp3`)).status).toBe(200);
    expect((await fetch(`${other.url}/${KEY}`)).status).toBe(200);
    await other.close();
  });

  it.each([
    'GET /audio/../secret.mp3',
    'GET /audio/..%2fsecret.mp3',
    'GET /audio/%2e%2e/secret.mp3',
    'GET /audio/%2e%2e%2fsecret.mp3',
    'GET /audio/private/..%2f..%2fsecret.mp3',
    'GET /audio/..%5csecret.mp3',
    'GET /audio/..%252fsecret.mp3',
    'GET /audio//etc/secret.mp3',
    'GET /audio/%00secret.mp3',
    'GET /audio/%ff.mp3',
    'GET /audio/%.mp3',
    'GET http://elsewhere.example/audio/secret.mp3',
    'GET //',
    'GET ///audio/x.mp3',
    'GET *',
    'GET //[/audio/x.mp3',
    'HEAD //',
    'TRACE /audio/x.mp3',
  ])('is neither led outside nor ended by "%s"', async (line) => {
    await writeFile(join(top, 'secret.mp3'), 'secret');
    const answer = await raw(`${line} HTTP/1.1`);
    expect(answer).toMatch(/^HTTP\/1\.1 (?:400|403|404|405) /);
    expect(answer).not.toContain('secret');
    expect(answer).not.toContain(top);
    expect((await get()).status).toBe(200);
  });

  it('is closed to names and pages that are not ours, but plays where it is embedded', async () => {
    const head = `GET /audio/${KEY} HTTP/1.1\r\nhost: `;
    expect(await raw(`${head}rebound.example`, '')).toMatch(/^HTTP\/1\.1 403 /);
    expect((await get({ origin: 'https://evil.example' })).status).toBe(403);
    // A page that embeds it names its origin only where it asks to read the bytes.
    expect((await get({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status).toBe(200);
    expect((await get({ origin: 'http://localhost:5000' })).status).toBe(200);
  });

  it('has nothing under a name that no file can have', async () => {
    expect((await fetch(`${server.url}/${'a'.repeat(5_000)}.mp3`)).status).toBe(404);
  });

  it('tells nothing of a file that cannot be read', async () => {
    await symlink(join(folder, 'loop.mp3'), join(folder, 'loop.mp3'));
    const answer = await fetch(`${server.url}/loop.mp3`);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await answer.text()).toBe('');
  });

  it('says so when its port is taken, and lets go of its own when closed', async () => {
    const port = Number(new URL(server.url).port);
    await expect(openAudioServer({ folder, host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    const idle = connect(port, '127.0.0.1');
    await once(idle, 'connect');
    await server.close();
    server = await openAudioServer({ folder, host: '127.0.0.1', port });
    expect((await get()).status).toBe(200);
    idle.destroy();
  });
});
