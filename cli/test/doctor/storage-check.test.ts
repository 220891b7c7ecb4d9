import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TalebackError } from '@taleback/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createNetworkProbe } from '@taleback/speech/diagnosis';
import { openS3ObjectStore, type S3Options } from '@taleback/worker/src/storage/s3.node.ts';
import { type CheckResult, examine } from '../../src/doctor/examine.ts';
import { requirePrivate } from '../../src/doctor/doctor-checks.node.ts';
import { storageCheck } from '../../src/doctor/service-checks.ts';
import { createLibrary } from '@taleback/worker/src/storage/library.ts';
import { openStores } from '@taleback/worker/src/storage/open-storage.ts';
import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import { openS3Service, type S3Service, s3Error } from '@taleback/worker/test/storage/s3-service.ts';
import {
  closedPort,
  openHttp,
  openSilent,
  type TestServer,
} from '../../../packages/speech/test/diagnosis/servers.ts';

const ONCE = { maxAttempts: 1, backoff: { kind: 'schedule', delaysMs: [0], jitter: 'none' } } as const;
const PATIENT_MS = 50_000;
const network = createNetworkProbe();

let service: S3Service;
let silent: TestServer | undefined;
let server: TestServer | undefined;
beforeAll(async () => {
  service = await openS3Service();
});
afterAll(() => service.close());
afterEach(async () => {
  await silent?.close();
  silent = undefined;
  await server?.close();
  server = undefined;
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

const bucket = (publicUrl?: string) => ({ kind: 's3', ...service.access, publicUrl }) as const;

/** What is wrong with it, in the words of the report. */
const faultOf = async (
  storage: WorkerConfig['storage'],
  privateStorage: WorkerConfig['privateStorage'],
): Promise<string> => {
  const config = { storage, privateStorage };
  const { hidden, close } = await openStores(config, { folderUrl: 'http://localhost', retry: ONCE });
  const check = async (signal: AbortSignal): Promise<void> =>
    void (await hidden.check(signal, (...object) => requirePrivate(config, object, signal)));
  const { place } = hidden;
  const options = { name: 'private store', network, place, url: undefined, check, timeoutMs: PATIENT_MS };
  const { name, status, summary } = await resultOf(storageCheck(options));
  expect({ name, left: await hidden.list('check') }).toEqual({ name: 'private store', left: [] });
  await close();
  return status === 'ok' ? status : summary;
};

describe('the private store', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'taleback-private-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const folderStore = (name: string) =>
    ({ kind: 'folder', folder: join(folder, name), baseUrl: undefined }) as const;
  const privateFolder = (name: string) => ({ kind: 'private-folder', folder: join(folder, name) }) as const;

  it('is a folder outside of that of narrations', async () => {
    await mkdir(join(folder, 'audio'));
    expect(await faultOf(folderStore('audio'), privateFolder('private'))).toBe('ok');
    expect(await faultOf(folderStore('not there yet'), privateFolder('private'))).toBe('ok');
    expect(await faultOf(folderStore('audio'), privateFolder('audio/private'))).toContain('which is served');
    await symlink(join(folder, 'audio'), join(folder, 'link'));
    expect(await faultOf(folderStore('audio'), privateFolder('link/private'))).toContain('which is served');
  });

  it('is a bucket that no one can read without our key', async () => {
    expect(await faultOf(folderStore('audio'), bucket())).toBe('ok');
    server = await openHttp((_request, response) => void response.end('a page'));
    const publicUrl = `http://127.0.0.1:${server.port}`;
    expect(await faultOf(bucket(publicUrl), bucket())).toBe('ok');
    await server.close();
    const words = `written by a check of the bucket tales at ${service.access.endpoint}\n`;
    server = await openHttp((_request, response) => void response.end(words));
    const published = bucket(`http://127.0.0.1:${server.port}`);
    expect(await faultOf(published, bucket())).toBe('Everyone can read what is in it');
  });
});
