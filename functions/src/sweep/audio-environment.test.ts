import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { audioConfig, audioVariables } from './audio-environment.ts';

const parse = (environment: Record<string, string>) =>
  audioConfig(z.object(audioVariables).parse(environment));

const BUCKET = {
  AUDIO_STORE: 's3',
  S3_ENDPOINT: 'https://r2.example/',
  S3_BUCKET: 'tales',
  S3_ACCESS_KEY_ID: 'AKID',
  S3_SECRET_ACCESS_KEY: ' hush ',
};

describe('where the sweeper looks for audio', () => {
  it('is nowhere when nothing is said', () => {
    expect(parse({})).toEqual({ audioBaseUrl: undefined, audioBucket: undefined });
  });

  it('is a bucket', () => {
    const { audioBucket } = parse({
      ...BUCKET,
      AUDIO_SIGNED_URL_HOURS: '0.5',
      S3_ADDRESSING: 'virtual-host',
    });
    expect(audioBucket).toMatchObject({
      endpoint: 'https://r2.example',
      bucket: 'tales',
      region: 'auto',
      accessKeyId: 'AKID',
      addressing: 'virtual-host',
      publicUrl: undefined,
      signedUrlSeconds: 1_800,
    });
    expect(audioBucket?.kind === 's3' && audioBucket.secretAccessKey.text).toBe('hush');
    expect(inspect(audioBucket)).not.toContain('hush');
  });

  it('is a bucket of Amazon where there is no other address', () => {
    const { audioBucket } = parse({ ...BUCKET, S3_ENDPOINT: '', S3_REGION: 'eu-central-1' });
    expect(audioBucket).toMatchObject({ endpoint: 'https://s3.eu-central-1.amazonaws.com' });
  });

  it('is a bucket of Cloud Storage, where it is named', () => {
    const hours = { AUDIO_SIGNED_URL_HOURS: '1' };
    expect(parse({ AUDIO_STORE: 'gcs', GCS_BUCKET: 'tales', ...hours }).audioBucket).toEqual({
      kind: 'gcs',
      bucket: 'tales',
      publicUrl: undefined,
      signedUrlSeconds: 3_600,
    });
  });

  it.each([
    ['none where nothing is said', {}, undefined],
    ['a folder', { PRIVATE_FOLDER: '/srv/private' }, { kind: 'folder', folder: '/srv/private' }],
    ['the bucket that is not published', BUCKET, { bucket: 'tales', publicUrl: undefined }],
    [
      'another bucket beside one that is published',
      { ...BUCKET, AUDIO_PUBLIC_BASE_URL: 'https://cdn.example', PRIVATE_BUCKET: 'hidden' },
      { bucket: 'hidden', publicUrl: undefined },
    ],
    [
      'none beside one that is published',
      { ...BUCKET, AUDIO_PUBLIC_BASE_URL: 'https://cdn.example' },
      undefined,
    ],
    [
      'a bucket of Cloud Storage, with its own lifetime',
      { AUDIO_STORE: 'gcs', GCS_BUCKET: 'tales', PRIVATE_BUCKET: 'hidden', RECORDING_DAYS: '2' },
      { kind: 'gcs', bucket: 'hidden', lifetimeMs: 2 * 86_400_000 },
    ],
  ])('keeps recordings in %s', (_what, environment, expected) => {
    expect(parse(environment)).toMatchObject({ privateStore: expected });
  });

  it.each([
    [
      { ...BUCKET, AUDIO_PUBLIC_BASE_URL: 'https://cdn.example', PRIVATE_BUCKET: 'tales' },
      /^configuration: PRIVATE_BUCKET: must be another bucket than that of narrations/,
    ],
    [{ PRIVATE_BUCKET: 'hidden' }, /^configuration: PRIVATE_BUCKET: needs AUDIO_STORE/],
  ])('refuses to keep recordings where they are published, or nowhere', (environment, sentence) => {
    expect(() => parse(environment)).toThrow(sentence);
  });

  it('names what is missing', () => {
    expect(() => parse({ AUDIO_STORE: 's3', S3_BUCKET: 'tales', S3_SECRET_ACCESS_KEY: '-' })).toThrow(
      'configuration: AUDIO_STORE: "s3" needs S3_ENDPOINT, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY',
    );
  });

  it('needs no bucket where audio lies elsewhere', () => {
    expect(parse({ ...BUCKET, AUDIO_STORE: 'gcs' }).audioBucket).toBeUndefined();
  });
});
