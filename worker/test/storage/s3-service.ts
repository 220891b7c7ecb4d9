import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { SecretText } from '@taleback/core';
import type { S3Options } from '../../src/storage/s3.node.ts';
import { type Answered, type Arrived, type FaultProxy, openFaultProxy } from './fault-proxy.ts';
import { listPage } from './s3-pages.ts';
import { checkSignature } from './sigv4-check.ts';

/** The one account that the server knows. */
export const ACCESS_KEY = { id: 'S3RVER', secret: 'S3RVER' };
export const BUCKET = 'tales';
/** Name under which buckets have hosts of their own. */
export const SERVICE_NAME = 's3.storage.test';

export interface S3Service {
  readonly proxy: FaultProxy;
  readonly access: S3Options;
  close(): Promise<void>;
}

/** A refusal in S3's words, which repeat the access key and what was signed. */
export const s3Error = (status: number, code: string, headers: Record<string, string> = {}): Answered => ({
  status,
  headers: { 'content-type': 'application/xml', 'x-amz-request-id': 'REQ1', ...headers },
  body: Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>No: ${ACCESS_KEY.id}</Message><AWSAccessKeyId>${ACCESS_KEY.id}</AWSAccessKeyId><StringToSign>AWS4-HMAC-SHA256 secret-to-sign</StringToSign></Error>`,
  ),
});

/** What S3 refuses and the server behind does not: bad signatures, and bytes that are not those that were signed. */
const guard = (arrived: Arrived): Answered | undefined => {
  const { method, headers, body } = arrived;
  const verdict = checkSignature(arrived, ACCESS_KEY, Date.now());
  if (!verdict.ok) return s3Error(403, verdict.code);
  if (method !== 'PUT') return undefined;
  if (Number(headers['content-length']) !== body.byteLength) return s3Error(400, 'IncompleteBody');
  const sha256 = createHash('sha256').update(body).digest('hex');
  if (headers['x-amz-content-sha256'] !== sha256) return s3Error(400, 'XAmzContentSHA256Mismatch');
  const md5 = createHash('md5').update(body).digest('base64');
  return headers['content-md5'] === md5 ? undefined : s3Error(400, 'BadDigest');
};

/** An S3 server with files in a folder of its own, behind a proxy that is as strict as S3 and breaks what a test wants. */
export const openS3Service = async (): Promise<S3Service> => {
  const directory = await mkdtemp(join(tmpdir(), 'taleback-s3-'));
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    serviceEndpoint: SERVICE_NAME.replace(/^s3\./, ''),
    configureBuckets: [{ name: BUCKET }],
  });
  const { port } = await server.run();
  const proxy = await openFaultProxy({
    port,
    guard: async (arrived) => guard(arrived) ?? listPage(arrived, BUCKET, server.store),
  });
  return {
    proxy,
    access: {
      endpoint: `http://127.0.0.1:${proxy.port}`,
      bucket: BUCKET,
      region: 'auto',
      accessKeyId: ACCESS_KEY.id,
      secretAccessKey: new SecretText(ACCESS_KEY.secret),
      sessionToken: undefined,
      publicUrl: undefined,
      addressing: 'path',
      signedUrlSeconds: 3_600,
      retry: {
        maxAttempts: 4,
        backoff: { kind: 'schedule', delaysMs: [0], jitter: 'none' },
      },
      timeoutMs: 30_000,
    },
    close: async () => {
      await proxy.close();
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
