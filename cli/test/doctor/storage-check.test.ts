import { TalebackError } from '@taleback/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createNetworkProbe } from '@taleback/speech/diagnosis';
import { openS3ObjectStore, type S3Options } from '@taleback/worker/src/storage/s3.node.ts';
import { type CheckResult, examine } from '../../src/doctor/examine.ts';
import { storageCheck } from '../../src/doctor/service-checks.ts';
import { createLibrary } from '@taleback/worker/src/storage/library.ts';
import { openS3Service, type S3Service, s3Error } from '@taleback/worker/test/storage/s3-service.ts';
import { closedPort, openSilent, type TestServer } from '../../../packages/speech/test/diagnosis/servers.ts';

const ONCE = { maxAttempts: 1, backoff: { kind: 'schedule', delaysMs: [0], jitter: 'none' } } as const;
const PATIENT_MS = 50_000;
const network = createNetworkProbe();

let service: S3Service;
let silent: TestServer | undefined;
beforeAll(async () => {
  service = await openS3Service();
});
afterAll(() => service.close());
afterEach(async () => {
  await silent?.close();
  silent = undefined;
  const left = service.proxy.takeLeftFaults();
  if (left.length > 0) throw new Error(`no request ran into ${JSON.stringify(left)}`);
});

const resultOf = async (check: ReturnType<typeof storageCheck>): Promise<CheckResult> =>
  (await examine([check], { timeoutMs: PATIENT_MS })).checks[0] as CheckResult;

/** The check of a bucket as `taleback doctor` makes it. */
const examineBucket = async (
  more: Partial<S3Options> = {},
  timeoutMs: number = PATIENT_MS,
): Promise<CheckResult> => {
  const access = { ...service.access, retry: ONCE, timeoutMs: PATIENT_MS, ...more };
  const objects = openS3ObjectStore(access);
  const audio = createLibrary(objects);
  const check = async (signal: AbortSignal): Promise<void> => void (await audio.check(signal));
  const { place } = objects;
  try {
    return await resultOf(storageCheck({ network, place, url: access.endpoint, check, timeoutMs }));
  } finally {
    await objects.close();
  }
};

const examineFolder = (check: () => Promise<void>, timeoutMs: number = PATIENT_MS): Promise<CheckResult> =>
  resultOf(storageCheck({ network, place: 'the folder /srv/tales', url: undefined, check, timeoutMs }));

describe('a bucket', () => {
  it('that is well', async () => {
    expect(await examineBucket()).toMatchObject({
      status: 'ok',
      summary: `The bucket tales at ${service.access.endpoint} can be written and read.`,
    });
  });

  it('that refuses connections', async () => {
    const port = await closedPort();
    const result = await examineBucket({ endpoint: `http://127.0.0.1:${port}` });
    expect(result).toMatchObject({ status: 'failed', code: 'network_unreachable' });
    expect(result.summary).toBe(
      `The bucket tales at http://127.0.0.1:${port}: Port ${port} of 127.0.0.1 refuses connections.`,
    );
  });

  it('whose host no one knows', async () => {
    const result = await examineBucket({ endpoint: 'http://s3.taleback.invalid' });
    expect(result).toMatchObject({ code: 'dns_failed' });
    expect(result.summary).toContain('The bucket tales at http://s3.taleback.invalid: DNS');
  });

  it('that takes connections and says nothing', async () => {
    silent = await openSilent();
    const result = await examineBucket({ endpoint: `http://127.0.0.1:${silent.port}` }, 500);
    expect(result).toMatchObject({ status: 'failed', code: 'timed_out' });
    expect(result.summary).toContain('takes connections and does not answer');
    expect(JSON.stringify(result)).not.toContain('busy');
  });

  it('that speaks no TLS', async () => {
    const { endpoint } = service.access;
    const result = await examineBucket({ endpoint: endpoint.replace('http:', 'https:') });
    expect(result).toMatchObject({ code: 'tls_failed' });
  });

  it.each([
    ['InvalidAccessKeyId', 401, 'credentials_invalid', 'does not accept our key'],
    ['SignatureDoesNotMatch', 403, 'credentials_invalid', 'does not accept our key'],
    ['AccessDenied', 403, 'permission_denied', 'does not allow this with our key'],
    ['NoSuchBucket', 404, 'storage_unavailable', 'There is no such bucket.'],
    ['SlowDown', 503, 'storage_unavailable', 'The store is away.'],
  ])('that answers %s', async (word, status, code, words) => {
    const { headers, body } = s3Error(status, word);
    const told = { headers: headers as Record<string, string>, body: String(body) };
    service.proxy.expectFaults({ method: 'PUT', kind: 'answer', status, ...told });
    const result = await examineBucket();
    expect(result).toMatchObject({ status: 'failed', code });
    expect(result.summary).toContain(`The bucket tales at ${service.access.endpoint}: `);
    expect(result.summary).toContain(words);
  });
});

describe('a folder', () => {
  it('by its own word', async () => {
    expect(await examineFolder(async () => {})).toMatchObject({ status: 'ok' });
    const fault = new TalebackError('permission_denied', 'May not be used', { details: 'EACCES' });
    expect(await examineFolder(() => Promise.reject(fault))).toMatchObject({
      status: 'failed',
      code: 'permission_denied',
      details: 'EACCES',
    });
  });

  it('that hangs, such as that of a server which is away', async () => {
    expect(await examineFolder(() => new Promise(() => {}), 20)).toMatchObject({
      code: 'timed_out',
      summary: 'The folder /srv/tales did not answer within 0.02 s.',
    });
  });
});
