import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type App, cert, deleteApp, initializeApp } from 'firebase-admin/app';
import { getStorage } from 'firebase-admin/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAudioFinder, type FoundAudio } from '../src/sweep/find-audio.ts';
import { createGcsAudioPlace, type GcsAudioOptions } from '../src/sweep/gcs-audio.node.ts';

const PLACE = 'private/users/u1/stories/audio/en/s%201%27';
const sought = { storyId: "s 1'", userId: 'u1', language: 'en', jobIds: ['j1', 'rp-1'] };

/** Answers to the JSON interface of Cloud Storage by the names of the objects. */
let objects: Map<string, { readonly contentType: string; readonly size: string }>;
let refusal: { readonly status: number; readonly message: string } | undefined;
let server: Server;
let app: App;

beforeAll(async () => {
  server = createServer((incoming, outgoing) => {
    const tell = (status: number, body: unknown): void => {
      outgoing.writeHead(status, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify(body));
    };
    const { pathname } = new URL(incoming.url ?? '', 'http://gcs.local');
    const name = /^(?:\/storage\/v1)?\/b\/tales\/o\/([^/]+)$/.exec(pathname)?.[1] ?? '';
    const kept = objects.get(decodeURIComponent(name));
    if (refusal !== undefined)
      return tell(refusal.status, { error: { code: refusal.status, message: refusal.message } });
    if (kept === undefined) return tell(404, { error: { code: 404, message: 'No such object: tales' } });
    tell(200, { kind: 'storage#object', ...kept });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  vi.stubEnv('STORAGE_EMULATOR_HOST', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const clientEmail = 'functions@demo.iam.gserviceaccount.com';
  app = initializeApp({ credential: cert({ projectId: 'demo', clientEmail, privateKey: key }) }, 'gcs-audio');
  // The first call loads the library, for which a loaded machine needs longer than a call may take.
  objects = new Map([[`${PLACE}/j1.mp3`, { contentType: 'audio/mpeg', size: '900' }]]);
  await find();
});
afterAll(async () => {
  await deleteApp(app);
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  objects = new Map();
  refusal = undefined;
});

const find = (more: Partial<GcsAudioOptions> = {}): Promise<FoundAudio> =>
  createAudioFinder(
    createGcsAudioPlace({
      openBucket: async () => getStorage(app).bucket('tales'),
      publicUrl: undefined,
      signedUrlSeconds: 3_600,
      ...more,
    }),
  )(sought);

describe('audio in a bucket of Cloud Storage', () => {
  it('is found, and gets an address that is signed', async () => {
    objects.set(`${PLACE}/rp-1.mp3`, { contentType: 'audio/mpeg', size: '900' });
    const found = await find();
    expect(found).toMatchObject({ kind: 'found', storagePath: `${PLACE}/rp-1.mp3` });
    const { searchParams, pathname } = new URL(found.kind === 'found' ? found.audioUrl : '');
    expect(decodeURIComponent(pathname)).toContain(`${PLACE}/rp-1.mp3`);
    expect(searchParams.get('X-Goog-Expires')).toBe('3600');
    expect(searchParams.get('X-Goog-Signature')).toMatch(/^[0-9a-f]{512}$/);
  });

  it('is unknown when its address cannot be signed: it is not lost, and not ready either', async () => {
    objects.set(`${PLACE}/j1.mp3`, { contentType: 'audio/mpeg', size: '900' });
    const bucket = getStorage(app).bucket('tales');
    const file = bucket.file(`${PLACE}/j1.mp3`);
    file.getSignedUrl = () => Promise.reject(new Error('Permission iam.serviceAccounts.signBlob denied'));
    bucket.file = () => file;
    expect(await find({ openBucket: async () => bucket })).toEqual({ kind: 'unknown' });
  });

  it('gets the address that it is published under', async () => {
    objects.set(`${PLACE}/j1.mp3`, { contentType: 'audio/mpeg', size: '900' });
    expect(await find({ publicUrl: 'https://audio.example' })).toMatchObject({
      audioUrl: 'https://audio.example/private/users/u1/stories/audio/en/s%25201%2527/j1.mp3',
    });
  });

  it.each([
    ['nothing', undefined],
    ['an empty file', { contentType: 'audio/mpeg', size: '0' }],
    ['a page', { contentType: 'text/html', size: '900' }],
  ])('is not there when there is %s', async (_what, object) => {
    if (object !== undefined) objects.set(`${PLACE}/j1.mp3`, object);
    expect(await find()).toEqual({ kind: 'absent' });
  });

  it.each([
    [403, 'functions@demo does not have storage.objects.get access'],
    [404, 'The specified bucket does not exist.'],
  ])('is unknown when the bucket answers %d', async (status, message) => {
    refusal = { status, message };
    expect(await find()).toEqual({ kind: 'unknown' });
  });
});
