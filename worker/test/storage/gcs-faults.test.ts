import { inspect } from 'node:util';
import { isTalebackError } from '@taleback/core';
import { createFakeClock } from '@taleback/resilience/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type GcsOptions, openGcsObjectStore } from '../../src/storage/gcs.node.ts';
import type { ObjectStore } from '../../src/storage/library.ts';
import type { Answered, Fault } from './fault-proxy.ts';
import { BUCKET, CRC32C_MISMATCH, type GcsService, gcsError, openGcsService } from './gcs-service.ts';

const KEY = 'private/users/u1/stories/audio/en/s1/j1.mp3';
const BYTES = Buffer.alloc(300_000, 'tale');

let service: GcsService;
let store: ObjectStore;
let before = 0;
const open = (more: Partial<GcsOptions> = {}): ObjectStore =>
  openGcsObjectStore({ ...service.options, ...more });
beforeAll(async () => {
  service = await openGcsService();
  store = open();
});
afterAll(() => service.close());
beforeEach(async () => {
  await store.remove(KEY);
  before = service.proxy.arrived.length;
});

afterEach(() => {
  const left = service.proxy.takeLeftFaults();
  if (left.length > 0) throw new Error(`no request ran into ${JSON.stringify(left)}`);
});

const write = (one = store, bytes: Uint8Array = BYTES, signal?: AbortSignal) =>
  one.write({ key: KEY, bytes, contentType: 'audio/mpeg' }, signal);
const uploads = () => service.proxy.arrived.slice(before).filter(({ method }) => method === 'POST');
const failure = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error) => error,
  );
const refuse = (method: string, status: number, reason: string, message = reason): Fault => {
  const { headers, body } = gcsError(status, reason, message);
  return { method, kind: 'answer', status, headers: headers as Record<string, string>, body: String(body) };
};
const answering =
  (change: Record<string, unknown>) =>
  ({ status, headers, body }: Answered): Answered => {
    const changed = Buffer.from(JSON.stringify({ ...(JSON.parse(body.toString()) as object), ...change }));
    return { status, headers: { ...headers, 'content-length': String(changed.byteLength) }, body: changed };
  };

/** The answer with another first byte. */
const damage = (answer: Answered): Answered => ({
  ...answer,
  body: Buffer.concat([Buffer.from('T'), answer.body.subarray(1)]),
});

describe('an upload that does not go well at first', () => {
  it.each<[string, Fault[]]>([
    ['503', [refuse('POST', 503, 'backendError')]],
    ['500, three times', Array.from({ length: 3 }, () => refuse('POST', 500, 'internalError'))],
    ['429', [refuse('POST', 429, 'rateLimitExceeded')]],
    ['a 403 that is about speed', [refuse('POST', 403, 'userRateLimitExceeded')]],
    [
      'an error page of a proxy',
      [{ method: 'POST', kind: 'answer', status: 502, body: '<html>Bad Gateway' }],
    ],
    ['a connection cut in the middle', [{ method: 'POST', kind: 'cut-upload', afterBytes: 100_000 }]],
    ['bytes that changed on the way', [refuse('POST', 400, 'invalid', CRC32C_MISMATCH)]],
    [
      'another checksum in the answer',
      [{ method: 'POST', kind: 'alter', alter: answering({ crc32c: 'AAAAAA==' }) }],
    ],
    ['another size in the answer', [{ method: 'POST', kind: 'alter', alter: answering({ size: '10' }) }]],
    ['a question before it that breaks off', [{ method: 'GET', kind: 'lose-answer' }]],
  ])('is sent again, whole: %s', async (_what, faults) => {
    service.proxy.expectFaults(...faults);
    await write();
    expect(BYTES.equals((await store.read(KEY)) ?? Buffer.alloc(0))).toBe(true);
    expect(uploads().every(({ body }) => body.includes(BYTES))).toBe(true);
  });

  it('is not sent again when only its answer was lost', async () => {
    service.proxy.expectFaults({ method: 'POST', kind: 'lose-answer' });
    await write();
    expect(uploads()).toHaveLength(1);
  });

  it('replaces what was there a moment ago, and nothing newer', async () => {
    await write(store, Buffer.from('old'));
    await write();
    const [first, second] = uploads().map(({ target }) =>
      new URL(target, 'http://gcs.local').searchParams.get('ifGenerationMatch'),
    );
    expect(first).toBe('0');
    expect(Number(second)).toBeGreaterThan(0);
    service.proxy.expectFaults(refuse('POST', 412, 'conditionNotMet'));
    await write(store, Buffer.from('late'));
    expect(BYTES.equals((await store.read(KEY)) ?? Buffer.alloc(0))).toBe(true);
  });

  it('fails when the store says that it was late, but nothing is there', async () => {
    service.proxy.expectFaults(refuse('POST', 412, 'conditionNotMet'));
    await expect(write()).rejects.toMatchObject({ code: 'storage_upload_failed' });
  });

  it('is given up after four tries', async () => {
    service.proxy.expectFaults(...Array.from({ length: 4 }, () => refuse('POST', 503, 'backendError')));
    await expect(write()).rejects.toMatchObject({
      code: 'storage_unavailable',
      retryable: true,
      details: expect.stringMatching(/upload .*j1\.mp3 in the bucket tales: HTTP 503/),
    });
    expect(uploads()).toHaveLength(4);
  });

  it('is given up when the bytes never arrive as they were sent', async () => {
    const wrong = refuse('POST', 400, 'invalid', CRC32C_MISMATCH);
    service.proxy.expectFaults(wrong, wrong, wrong, wrong);
    await expect(write()).rejects.toMatchObject({ code: 'storage_upload_failed', retryable: true });
  });
});

describe('a refusal', () => {
  it.each([
    [401, 'authError', 'Invalid Credentials', 'credentials_invalid'],
    [403, 'forbidden', 'worker@demo does not have storage.objects.create access.', 'permission_denied'],
    [403, 'quotaExceeded', 'The quota is used up.', 'disk_full'],
    [404, 'notFound', 'The specified bucket does not exist.', 'storage_unavailable'],
    [413, 'uploadTooLarge', 'Too large.', 'storage_upload_failed'],
    [400, 'invalid', 'Invalid argument.', 'storage_upload_failed'],
  ])('%i %s (%s) is %s, and is not asked for twice', async (status, reason, message, ours) => {
    service.proxy.expectFaults(refuse('POST', status, reason, message));
    const error = await failure(write());
    expect(error).toMatchObject({ code: ours, details: expect.stringContaining(`the bucket ${BUCKET}`) });
    expect(isTalebackError(error) && error.details).toContain(reason);
    expect(uploads()).toHaveLength(1);
    expect(inspect(error, { depth: 10 })).not.toMatch(/PRIVATE KEY|Bearer/);
  });

  it('names the bucket that is not there, whatever is asked', async () => {
    const other = open({ bucket: 'nobodys' });
    for (const call of [
      () => write(other),
      () => other.read(KEY),
      () => other.sizeOf(KEY),
      () => other.remove(KEY),
    ])
      expect(await failure(call())).toMatchObject({
        code: 'storage_unavailable',
        retryable: false,
        details: expect.stringContaining('nobodys'),
      });
  });

  it('says that no one is signed in when there is no key to sign an address with', async () => {
    const keyless = open({
      credentials: { client_email: 'worker@demo.iam.gserviceaccount.com', private_key: 'none' },
    });
    const error = await failure(keyless.urlOf(KEY));
    expect(error).toMatchObject({ code: 'credentials_invalid' });
  });
});

describe('a store that cannot be reached', () => {
  it('is away, after four tries', async () => {
    const nobody = open({ endpoint: 'http://127.0.0.1:1' });
    await expect(write(nobody)).rejects.toMatchObject({
      code: 'storage_unavailable',
      retryable: true,
      details: expect.stringContaining('ECONNREFUSED'),
    });
    await expect(nobody.read(KEY)).rejects.toMatchObject({ code: 'storage_unavailable' });
  });

  it('is away when it does not answer in time', async () => {
    const clock = createFakeClock();
    service.proxy.expectFaults(...Array.from({ length: 4 }, (): Fault => ({ kind: 'hang' })));
    const call = failure(write(open({ clock })));
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await service.proxy.nextBreak();
      clock.advance(30_600);
      await clock.advanceAsync(0);
    }
    expect(await call).toMatchObject({
      code: 'storage_unavailable',
      details: expect.stringContaining('no answer within 30600 ms'),
    });
  });

  it('is left at once by someone who has no more time', async () => {
    const leaving = new AbortController();
    service.proxy.expectFaults({ method: 'POST', kind: 'hang' });
    const hanging = service.proxy.nextBreak();
    const call = failure(write(store, BYTES, leaving.signal));
    await hanging;
    leaving.abort();
    expect(await call).toMatchObject({ code: 'job_cancelled' });
  });
});

describe('reading', () => {
  const media = { method: 'GET', target: /alt=media/ };

  it('asks again when the answer breaks off', async () => {
    await write();
    service.proxy.expectFaults({ ...media, kind: 'cut-download', afterBytes: 1_000 });
    const clock = createFakeClock();
    const broken = service.proxy.nextBreak();
    const read = open({ clock }).read(KEY);
    await broken;
    // The library does not notice it; the time of the try ends it.
    await clock.advanceAsync(30_000);
    expect(BYTES.equals((await read) ?? Buffer.alloc(0))).toBe(true);
  });

  it('asks again when something else comes than was kept', async () => {
    await write();
    service.proxy.expectFaults({ ...media, kind: 'alter', alter: damage });
    expect(BYTES.equals((await store.read(KEY)) ?? Buffer.alloc(0))).toBe(true);
    service.proxy.expectFaults(
      ...Array.from({ length: 4 }, (): Fault => ({ ...media, kind: 'alter', alter: damage })),
    );
    await expect(store.read(KEY)).rejects.toMatchObject({
      code: 'storage_unavailable',
      details: expect.stringContaining('300000 of 300000 bytes'),
    });
  });
});

describe('addresses', () => {
  it('are those of the published bucket when there is one', async () => {
    const published = open({ publicUrl: 'https://audio.example/tales' });
    expect(await published.urlOf("a b/it's.mp3")).toBe('https://audio.example/tales/a%20b/it%27s.mp3');
  });

  it('are signed for as long as is said', async () => {
    const url = new URL(await open({ signedUrlSeconds: 604_800 }).urlOf(KEY));
    expect(url.searchParams.get('X-Goog-Expires')).toMatch(/^60(4800|4799)$/);
    expect(url.searchParams.get('X-Goog-Credential')).toContain('worker@demo-storage');
    expect(url.href).not.toContain('PRIVATE');
  });
});
