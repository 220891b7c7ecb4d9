import { inspect } from 'node:util';
import { isTalebackError, SecretText } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import { createFakeClock } from '@taleback/resilience/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/storage/library.ts';
import { openS3ObjectStore, type S3Options } from '../../src/storage/s3.node.ts';
import type { Fault } from './fault-proxy.ts';
import { BUCKET, openS3Service, type S3Service, SERVICE_NAME, s3Error } from './s3-service.ts';

const KEY = 'private/users/u1/stories/audio/en/s1/j1.mp3';
const BYTES = Buffer.alloc(300_000, 'tale');

let service: S3Service;
let before = 0;
const opened: ObjectStore[] = [];
const open = (more: Partial<S3Options> = {}): ObjectStore => {
  const store = openS3ObjectStore({ ...service.access, ...more });
  opened.push(store);
  return store;
};
let store: ObjectStore;
beforeAll(async () => {
  service = await openS3Service();
  store = open();
});
afterAll(async () => {
  await Promise.all(opened.map((one) => one.close()));
  await service.close();
});
beforeEach(async () => {
  await store.remove(KEY);
  before = service.proxy.arrived.length;
});

afterEach(() => {
  const left = service.proxy.takeLeftFaults();
  if (left.length > 0) throw new Error(`no request ran into ${JSON.stringify(left)}`);
});

const write = (one = store, bytes: Uint8Array = BYTES) =>
  one.write({ key: KEY, bytes, contentType: 'audio/mpeg' });
const methods = (): string[] => service.proxy.arrived.slice(before).map(({ method }) => method);
const failure = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error) => error,
  );
const refuse = (method: string, status: number, code: string, headers?: Record<string, string>): Fault => {
  const { body, ...answer } = s3Error(status, code, headers);
  return {
    method,
    kind: 'answer',
    ...answer,
    headers: answer.headers as Record<string, string>,
    body: String(body),
  };
};

/** The answer of a bucket that a key service encrypts. */
const encrypted = (answer: { status: number; headers: object; body: Buffer }) => ({
  ...answer,
  headers: { ...answer.headers, etag: `"${'2'.repeat(32)}"`, 'x-amz-server-side-encryption': 'aws:kms' },
});

describe('an upload that does not go well at first', () => {
  it.each<[string, Fault[]]>([
    ['503 SlowDown', [refuse('PUT', 503, 'SlowDown')]],
    ['500 InternalError, three times', Array.from({ length: 3 }, () => refuse('PUT', 500, 'InternalError'))],
    ['429', [refuse('PUT', 429, 'TooManyRequests', { 'retry-after': '0' })]],
    ['400 RequestTimeout', [refuse('PUT', 400, 'RequestTimeout')]],
    ['an error page of a proxy', [{ method: 'PUT', kind: 'answer', status: 502, body: '<html>Bad Gateway' }]],
    [
      'a connection cut in the middle of the upload',
      [{ method: 'PUT', kind: 'cut-upload', afterBytes: 100_000 }],
    ],
    ['an answer that was lost', [{ method: 'PUT', kind: 'lose-answer' }]],
    [
      'a tag that is not that of the bytes',
      [
        {
          method: 'PUT',
          kind: 'alter',
          alter: (answer) => ({ ...answer, headers: { ...answer.headers, etag: `"${'0'.repeat(32)}"` } }),
        },
      ],
    ],
    [
      'a success without a tag, of something that is no store',
      [{ method: 'PUT', kind: 'answer', status: 200, body: 'OK' }],
    ],
    ['bytes that changed on the way', [refuse('PUT', 400, 'BadDigest')]],
    ['a question afterwards that breaks off', [{ method: 'HEAD', kind: 'lose-answer' }]],
  ])('is sent again, whole: %s', async (_what, faults) => {
    service.proxy.expectFaults(...faults);
    await write();
    expect(BYTES.equals((await store.read(KEY)) ?? Buffer.alloc(0))).toBe(true);
    const uploads = service.proxy.arrived.slice(before).filter(({ method }) => method === 'PUT');
    expect(uploads.every(({ body }) => body.equals(BYTES))).toBe(true);
  });

  it('is not sent again when only the question afterwards failed', async () => {
    service.proxy.expectFaults({ method: 'HEAD', kind: 'answer', status: 503 });
    await write();
    expect(methods()).toEqual(['PUT', 'HEAD', 'HEAD']);
  });

  it('is given up after four tries', async () => {
    service.proxy.expectFaults(...Array.from({ length: 4 }, () => refuse('PUT', 503, 'SlowDown')));
    await expect(write()).rejects.toMatchObject({
      code: 'storage_unavailable',
      retryable: true,
      details: expect.stringMatching(/PUT .*j1\.mp3 in the bucket tales: HTTP 503 SlowDown, request REQ1/),
    });
    expect(methods()).toEqual(['PUT', 'PUT', 'PUT', 'PUT']);
  });

  it('is given up when the bytes never arrive as they were sent', async () => {
    const wrong: Fault = {
      method: 'PUT',
      kind: 'alter',
      alter: (answer) => ({ ...answer, headers: { ...answer.headers, etag: '"0"' } }),
    };
    service.proxy.expectFaults(wrong, wrong, wrong, wrong);
    await expect(write()).rejects.toMatchObject({ code: 'storage_upload_failed', retryable: true });
  });

  it('waits for as long as the store asks', async () => {
    const waits: number[] = [];
    const clock: Clock = {
      now: () => 0,
      setTimer: (run, delayMs) => {
        // The time of a try is not to run out; only the wait between two of them passes.
        const pending = delayMs < service.access.timeoutMs! ? setImmediate(run) : undefined;
        if (pending !== undefined) waits.push(delayMs);
        return () => clearImmediate(pending);
      },
    };
    service.proxy.expectFaults(refuse('PUT', 503, 'SlowDown', { 'retry-after': '7' }));
    await write(open({ clock }));
    expect(waits).toEqual([7_000]);
  });
});

describe('an upload that was taken and is not there', () => {
  it('fails when nothing is kept', async () => {
    service.proxy.expectFaults(
      { method: 'HEAD', kind: 'answer', status: 404 },
      refuse('GET', 404, 'NoSuchKey'),
    );
    await expect(write()).rejects.toMatchObject({
      code: 'storage_upload_failed',
      details: expect.stringContaining(`none of ${BYTES.byteLength} bytes`),
    });
  });

  it('fails when less is kept', async () => {
    service.proxy.expectFaults({
      method: 'HEAD',
      kind: 'alter',
      alter: (answer) => ({ ...answer, headers: { ...answer.headers, 'content-length': '10' } }),
    });
    await expect(write()).rejects.toMatchObject({
      code: 'storage_upload_failed',
      details: expect.stringContaining('10 of 300000 bytes'),
    });
  });

  it('is well when another upload of the same key came right after it', async () => {
    service.proxy.expectFaults({
      method: 'HEAD',
      kind: 'alter',
      alter: (answer) => ({
        ...answer,
        headers: { ...answer.headers, etag: `"${'1'.repeat(32)}"`, 'content-length': '10' },
      }),
    });
    await expect(write()).resolves.toBeUndefined();
  });

  it('takes the tag as it is where a key service encrypts', async () => {
    service.proxy.expectFaults(
      { method: 'PUT', kind: 'alter', alter: encrypted },
      { method: 'HEAD', kind: 'alter', alter: encrypted },
    );
    await write();
    expect(methods()).toEqual(['PUT', 'HEAD']);
  });
});

describe('a refusal', () => {
  it.each([
    [403, 'InvalidAccessKeyId', 'credentials_invalid'],
    [403, 'SignatureDoesNotMatch', 'credentials_invalid'],
    [400, 'ExpiredToken', 'credentials_invalid'],
    [401, 'Unauthorized', 'credentials_invalid'],
    [403, 'AccessDenied', 'permission_denied'],
    [403, 'AllAccessDisabled', 'permission_denied'],
    [403, 'RequestTimeTooSkewed', 'storage_unavailable'],
    [404, 'NoSuchBucket', 'storage_unavailable'],
    [301, 'PermanentRedirect', 'storage_unavailable'],
    [400, 'AuthorizationHeaderMalformed', 'storage_unavailable'],
    [403, 'QuotaExceeded', 'disk_full'],
    [507, 'XMinioStorageFull', 'disk_full'],
    [400, 'EntityTooLarge', 'storage_upload_failed'],
    [400, 'InvalidRequest', 'storage_upload_failed'],
    [501, 'NotImplemented', 'storage_unavailable'],
  ])('%i %s is %s, and is not asked for twice', async (status, code, ours) => {
    service.proxy.expectFaults(refuse('PUT', status, code));
    const error = await failure(write());
    expect(error).toMatchObject({ code: ours, details: expect.stringContaining(`the bucket ${BUCKET}`) });
    expect(isTalebackError(error) && error.details).toContain(code);
    expect(methods()).toEqual(['PUT']);
    expect(inspect(error, { depth: 10 })).not.toMatch(/S3RVER|secret-to-sign|Signature=/);
  });

  it.each([
    ['a key that nobody knows', { accessKeyId: 'AKIDWRONG' }, 'credentials_invalid'],
    ['a secret that is wrong', { secretAccessKey: new SecretText('wrong-secret') }, 'credentials_invalid'],
    ['a bucket that is not there', { bucket: 'nobodys' }, 'storage_unavailable'],
  ])('is reported as what it is, whatever is asked: %s', async (_what, more: Partial<S3Options>, code) => {
    const other = open(more);
    const details = expect.stringContaining(`the bucket ${more.bucket ?? BUCKET}`);
    for (const call of [() => write(other), () => other.read(KEY), () => other.sizeOf(KEY)]) {
      const error = await failure(call());
      expect(error).toMatchObject({ code, details, retryable: false });
      expect(inspect(error, { depth: 10 })).not.toMatch(/AKIDWRONG|wrong-secret/);
    }
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
    const hanging = open({ clock });
    service.proxy.expectFaults(...Array.from({ length: 4 }, (): Fault => ({ kind: 'hang' })));
    const call = failure(write(hanging));
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await service.proxy.nextBreak();
      // The time of this try. The wait before the next one is none, but a turn.
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
    service.proxy.expectFaults({ method: 'PUT', kind: 'hang' });
    const hanging = service.proxy.nextBreak();
    const call = failure(store.write({ key: KEY, bytes: BYTES, contentType: 'audio/mpeg' }, leaving.signal));
    await hanging;
    leaving.abort();
    expect(await call).toMatchObject({ code: 'job_cancelled' });
  });
});

describe('reading', () => {
  it('asks again when the answer breaks off', async () => {
    await write();
    service.proxy.expectFaults({ method: 'GET', kind: 'cut-download', afterBytes: 1_000 });
    expect(BYTES.equals((await store.read(KEY)) ?? Buffer.alloc(0))).toBe(true);
  });

  it('learns the size of what came between its two questions', async () => {
    await write();
    service.proxy.expectFaults({ method: 'HEAD', kind: 'answer', status: 404 });
    expect(await store.sizeOf(KEY)).toBe(BYTES.byteLength);
  });

  it('removes what is not there without a word', async () => {
    service.proxy.expectFaults(refuse('DELETE', 404, 'NoSuchKey'));
    await store.remove(KEY);
    service.proxy.expectFaults(refuse('DELETE', 403, 'AccessDenied'));
    await expect(store.remove(KEY)).rejects.toMatchObject({ code: 'permission_denied' });
  });
});

describe('addresses', () => {
  it('are those of the published bucket when there is one', async () => {
    const published = open({ publicUrl: 'https://audio.example/tales' });
    expect(await published.urlOf("a b/it's.mp3")).toBe('https://audio.example/tales/a%20b/it%27s.mp3');
  });

  it('are signed for as long as is said, and hold no secret', async () => {
    await write();
    const url = await open({ signedUrlSeconds: 604_800 }).urlOf(KEY);
    expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('604800');
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(url.replace('j1.mp3', 'j2.mp3'))).status).toBe(403);
    const stranger = await open({ secretAccessKey: new SecretText('top-secret') }).urlOf(KEY);
    expect(stranger).not.toContain('top-secret');
    expect((await fetch(stranger)).status).toBe(403);
  });

  it('carry the token of temporary credentials', async () => {
    const url = new URL(await open({ sessionToken: new SecretText('session-1') }).urlOf(KEY));
    expect(url.searchParams.get('X-Amz-Security-Token')).toBe('session-1');
    await write(open({ sessionToken: new SecretText('session-1') }));
    expect(service.proxy.arrived.at(-1)?.headers['x-amz-security-token']).toBe('session-1');
  });

  it('have the bucket before the host where it is wished', async () => {
    const { port } = service.proxy;
    const hosted = open({
      endpoint: `http://${SERVICE_NAME}:${port}`,
      addressing: 'virtual-host',
      lookup: (_name, options, callback) =>
        options.all === true
          ? callback(null, [{ address: '127.0.0.1', family: 4 }])
          : callback(null, '127.0.0.1', 4),
    });
    await write(hosted);
    const [upload] = service.proxy.arrived.slice(before);
    expect(upload).toMatchObject({
      target: `/${KEY}`,
      headers: { host: `${BUCKET}.${SERVICE_NAME}:${port}` },
    });
    expect(BYTES.equals((await store.read(KEY)) ?? Buffer.alloc(0))).toBe(true);
    expect(await hosted.urlOf(KEY)).toMatch(
      new RegExp(`^http://${BUCKET}\\.${SERVICE_NAME}:${port}/private/`),
    );
  });
});
