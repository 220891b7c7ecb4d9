import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SecretText } from '@taleback/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAudioFinder, type FoundAudio } from '../src/sweep/find-audio.ts';
import { createS3AudioPlace, type S3AudioOptions } from '../src/sweep/s3-audio.node.ts';

const SECRET = 'the-secret-of-the-bucket';
const PLACE = 'private/users/u1/stories/audio/en/s%25201%2527';
const sought = { storyId: "s 1'", userId: 'u1', language: 'en', jobIds: ['j1', 'rp-1'] };

interface Kept {
  readonly contentType: string;
  readonly sizeBytes: number;
}

/** What the bucket answers to every request instead, as S3 says it. */
interface Refusal {
  readonly status: number;
  readonly code: string;
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Whether a request without a body is signed as Signature Version 4 wants it: from the specification. */
const isSigned = ({ method, url = '', headers }: IncomingMessage): boolean => {
  const [, scope = '', names = '', signature] =
    /Credential=AKID\/(.+), SignedHeaders=(.+), Signature=(.+)$/.exec(headers.authorization ?? '') ?? [];
  const lines = names.split(';').map((name) => `${name}:${String(headers[name])}`);
  const payload = headers['x-amz-content-sha256'];
  const canonical = [method, url, '', ...lines, '', names, payload].join('\n');
  const hash = createHash('sha256').update(canonical).digest('hex');
  const key = scope.split('/').reduce(hmac, Buffer.from(`AWS4${SECRET}`) as string | Buffer) as Buffer;
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash].join('\n');
  return names.includes('host') && hmac(key, text).toString('hex') === signature;
};

let server: Server;
let objects: Map<string, Kept>;
let refusal: Refusal | undefined;
let asked: string[];
let options: S3AudioOptions;
beforeEach(async () => {
  objects = new Map();
  refusal = undefined;
  asked = [];
  server = createServer((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const refuse = (status: number, code: string): void => {
      outgoing.writeHead(status, { 'content-type': 'application/xml' });
      outgoing.end(
        incoming.method === 'HEAD' ? '' : `<Error><Code>${code}</Code><Message>no</Message></Error>`,
      );
    };
    if (refusal !== undefined) return refuse(refusal.status, refusal.code);
    if (!isSigned(incoming)) return refuse(403, 'SignatureDoesNotMatch');
    const kept = objects.get(incoming.url ?? '');
    if (kept === undefined) return refuse(404, 'NoSuchKey');
    const { contentType, sizeBytes } = kept;
    outgoing.writeHead(200, { 'content-type': contentType, 'content-length': sizeBytes }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  options = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket: 'tales',
    region: 'auto',
    accessKeyId: 'AKID',
    secretAccessKey: new SecretText(SECRET),
    addressing: 'path',
    publicUrl: undefined,
    signedUrlSeconds: 3_600,
  };
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const find = (more: Partial<S3AudioOptions> = {}): Promise<FoundAudio> =>
  createAudioFinder(createS3AudioPlace({ ...options, ...more }))(sought);
const keep = (name: string, contentType = 'audio/mpeg', sizeBytes = 900) =>
  objects.set(`/tales/${PLACE}/${name}.mp3`, { contentType, sizeBytes });

describe('audio in a bucket that is not published', () => {
  it('is found, and gets an address that is signed', async () => {
    keep('j1');
    const found = await find();
    expect(found).toMatchObject({
      kind: 'found',
      storagePath: 'private/users/u1/stories/audio/en/s%201%27/j1.mp3',
    });
    const url = new URL(found.kind === 'found' ? found.audioUrl : '');
    expect(url.pathname).toBe(`/tales/${PLACE}/j1.mp3`);
    expect(url.searchParams.get('X-Amz-Expires')).toBe('3600');
    expect(url.searchParams.get('X-Amz-Signature')).toMatch(/^[\da-f]{64}$/);
    expect(url.href).not.toContain(SECRET);
    expect(asked).toEqual([`HEAD /tales/${PLACE}/j1.mp3`]);
  });

  it('is found at its published address when there is one', async () => {
    keep('rp-1');
    expect(await find({ publicUrl: 'https://audio.example/tales' })).toMatchObject({
      kind: 'found',
      audioUrl: `https://audio.example/tales/${PLACE}/rp-1.mp3`,
    });
  });

  it('is absent when the bucket says so in words', async () => {
    expect(await find()).toEqual({ kind: 'absent' });
    expect(asked.map((one) => one.split(' ')[0])).toEqual(['HEAD', 'GET', 'HEAD', 'GET']);
  });

  it.each([
    ['a page', 'text/html', 900],
    ['nothing', 'audio/mpeg', 0],
  ])('is absent when %s lies there', async (_what, contentType, sizeBytes) => {
    keep('j1', contentType, sizeBytes);
    expect(await find()).toEqual({ kind: 'absent' });
  });

  it.each([
    [403, 'AccessDenied'],
    [403, 'InvalidAccessKeyId'],
    [404, 'NoSuchBucket'],
    [404, ''],
    [301, 'PermanentRedirect'],
    [503, 'SlowDown'],
  ])('is not known of when the bucket answers %i %s', async (status, code) => {
    refusal = { status, code };
    expect(await find()).toEqual({ kind: 'unknown' });
  });

  it('is not known of with a wrong key, or when no one answers', async () => {
    keep('j1');
    expect(await find({ secretAccessKey: new SecretText('another') })).toEqual({ kind: 'unknown' });
    expect(await find({ endpoint: 'http://127.0.0.1:1' })).toEqual({ kind: 'unknown' });
  });

  it('is asked for at the host of the bucket where that is wished', async () => {
    const place = createS3AudioPlace({
      ...options,
      endpoint: 'https://s3.example',
      addressing: 'virtual-host',
    });
    expect(await place.urlOf('a b.mp3')).toMatch(/^https:\/\/tales\.s3\.example\/a%20b\.mp3\?/);
  });
});
