import { inspect } from 'node:util';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { privateStorageConfig, storageConfig, storageEnvironment } from './storage-config.ts';

const parse = (environment: Record<string, string>) =>
  storageConfig(z.object(storageEnvironment).parse(environment));

const S3 = {
  AUDIO_STORE: 's3',
  S3_ENDPOINT: 'https://account.r2.cloudflarestorage.com/',
  S3_BUCKET: 'tales',
  S3_ACCESS_KEY_ID: 'AKID',
  S3_SECRET_ACCESS_KEY: ' hush ',
};

describe('where narrations are kept', () => {
  it('is a folder when nothing is said', () => {
    expect(parse({})).toEqual({ kind: 'folder', folder: '.taleback/audio', baseUrl: undefined });
    expect(parse({ AUDIO_FOLDER: '/srv', AUDIO_BASE_URL: 'https://audio.example//' })).toEqual({
      kind: 'folder',
      folder: '/srv',
      baseUrl: 'https://audio.example',
    });
  });

  it('is a bucket of R2', () => {
    const config = parse({ ...S3, S3_SESSION_TOKEN: 'whisper' });
    expect(config).toMatchObject({
      kind: 's3',
      endpoint: 'https://account.r2.cloudflarestorage.com',
      bucket: 'tales',
      region: 'auto',
      accessKeyId: 'AKID',
      addressing: 'path',
      publicUrl: undefined,
      signedUrlSeconds: 604_800,
    });
    expect(config.kind === 's3' && [config.secretAccessKey.text, config.sessionToken?.text]).toEqual([
      'hush',
      'whisper',
    ]);
    expect(inspect(config)).not.toMatch(/hush|whisper/);
  });

  it('is a bucket of Amazon where there is no other address', () => {
    const amazon = { ...S3, S3_ENDPOINT: '', S3_REGION: 'eu-central-1', S3_ADDRESSING: 'virtual-host' };
    expect(parse(amazon)).toMatchObject({
      endpoint: 'https://s3.eu-central-1.amazonaws.com',
      addressing: 'virtual-host',
    });
  });

  it('is a bucket of Cloud Storage', () => {
    expect(parse({ AUDIO_STORE: 'gcs', GCS_BUCKET: 'tales', AUDIO_SIGNED_URL_HOURS: '0.5' })).toEqual({
      kind: 'gcs',
      bucket: 'tales',
      endpoint: undefined,
      publicUrl: undefined,
      signedUrlSeconds: 1_800,
    });
  });

  it.each([
    [{ AUDIO_STORE: 's3' }, '"s3" needs S3_BUCKET, S3_ENDPOINT, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY'],
    [{ ...S3, S3_SECRET_ACCESS_KEY: ' ' }, '"s3" needs S3_SECRET_ACCESS_KEY'],
    [{ AUDIO_STORE: 'gcs', GCS_BUCKET: '' }, '"gcs" needs GCS_BUCKET'],
  ])('names what is missing: %o', (environment, sentence) => {
    expect(() => parse(environment)).toThrow(`configuration: AUDIO_STORE: ${sentence}`);
  });

  it.each([
    { AUDIO_STORE: 'tape' },
    { AUDIO_SIGNED_URL_HOURS: '169' },
    { AUDIO_SIGNED_URL_HOURS: '0' },
    { S3_BUCKET: 'Tales' },
    { S3_ENDPOINT: 'ftp://a.example' },
    { S3_ENDPOINT: 'https://key:secret@a.example' },
    { S3_REGION: 'a/b' },
  ])('is not %o', (environment) => {
    const result = z.object(storageEnvironment).safeParse(environment);
    expect(result.error?.issues[0]?.path).toEqual(Object.keys(environment));
  });
});

const privateOf = (environment: Readonly<Record<string, string>>) =>
  privateStorageConfig(z.object(storageEnvironment).parse(environment), 'outbox');

describe('the private store', () => {
  const published = { ...S3, AUDIO_BASE_URL: 'https://cdn.example' };

  it.each([
    ['a folder in that of the outbox', {}, { kind: 'private-folder', folder: join('outbox', 'private') }],
    ['a folder', { PRIVATE_FOLDER: '/srv/p' }, { kind: 'private-folder', folder: '/srv/p' }],
    ['the bucket that is not published', S3, { kind: 's3', bucket: 'tales', publicUrl: undefined }],
    ['a folder beside a bucket that is published', published, { kind: 'private-folder' }],
    [
      'a bucket beside it',
      { ...published, PRIVATE_BUCKET: 'hidden' },
      { bucket: 'hidden', publicUrl: undefined },
    ],
    [
      'a bucket of Cloud Storage',
      {
        AUDIO_STORE: 'gcs',
        GCS_BUCKET: 'tales',
        AUDIO_BASE_URL: 'https://cdn.example',
        PRIVATE_BUCKET: 'hidden',
      },
      { kind: 'gcs', bucket: 'hidden', publicUrl: undefined },
    ],
  ])('is %s', (_what, environment, expected) => {
    expect(privateOf(environment)).toMatchObject(expected);
  });

  it.each([
    [
      { ...published, PRIVATE_BUCKET: 'tales' },
      'PRIVATE_BUCKET: must be another bucket than that of narrations',
    ],
    [{ PRIVATE_BUCKET: 'hidden' }, 'PRIVATE_BUCKET: needs AUDIO_STORE "s3" or "gcs"'],
    [
      { AUDIO_FOLDER: '/srv/a', PRIVATE_FOLDER: '/srv/a/' },
      'PRIVATE_FOLDER: must be another folder than AUDIO_FOLDER',
    ],
  ])('is never published', (environment, sentence) => {
    expect(() => privateOf(environment)).toThrow(sentence);
  });
});
