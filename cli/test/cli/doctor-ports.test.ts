import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobCredentials } from '../../src/doctor/credentials-check.node.ts';
import { readOutbox } from '../../src/doctor/outbox-check.node.ts';
import { neededPrograms, readProgramVersion } from '../../src/doctor/machine-checks.node.ts';
import { firestorePlace, pubsubPlace, storeUrl } from '../../src/doctor/service-checks.ts';
import { workerUrl } from '../../src/worker-client.ts';
import { parseConfig } from '@taleback/worker/src/config.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taleback-doctor-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const faultOf = async (content: string | undefined): Promise<string | undefined> => {
  const file = join(folder, 'key.json');
  if (content !== undefined) await writeFile(file, content);
  const environment = { GOOGLE_APPLICATION_CREDENTIALS: file };
  const [credential] = await jobCredentials(parseConfig({}), environment);
  return credential?.fault;
};

const programsOf = (...names: string[]): Promise<string[]> =>
  Promise.all(
    neededPrograms({ names, python: { command: process.execPath } }).map(
      async ({ name, version }) =>
        `${name} ${await version(new AbortController().signal).catch((error: Error) => error.message)}`,
    ),
  );

const failed = async (): Promise<number> => 3;
const away = (): Promise<never> => Promise.reject(new Error('the store is away'));
const urlOf = (environment: Record<string, string>): string | undefined =>
  storeUrl(parseConfig(environment).storage);

describe('what the doctor looks at', () => {
  it.each([
    [undefined, 'cannot be read'],
    ['not json', 'not JSON'],
    ['null', 'no key of Google'],
    ['{"private_key":"x"}', 'no key of Google'],
  ])('a key file with %j', async (content, words) => {
    expect(await faultOf(content)).toContain(words);
  });

  it('a key file that is one, and none where an emulator is used', async () => {
    expect(await faultOf('{"type":"service_account"}')).toBeUndefined();
    const environment = { GOOGLE_APPLICATION_CREDENTIALS: '/nowhere', PUBSUB_EMULATOR_HOST: '127.0.0.1:1' };
    expect(await jobCredentials(parseConfig({}), environment)).toEqual([]);
  });

  it('what RunPod sets', async () => {
    const config = parseConfig({ JOB_SOURCE: 'runpod' });
    const given = { RUNPOD_WEBHOOK_GET_JOB: 'x', RUNPOD_WEBHOOK_POST_OUTPUT: 'x', RUNPOD_AI_API_KEY: '' };
    expect((await jobCredentials(config, given)).filter(({ isPresent }) => !isPresent)).toMatchObject([
      { variable: 'RUNPOD_AI_API_KEY' },
    ]);
  });

  it('Google, or its emulators, or nothing', () => {
    const config = parseConfig({});
    expect(pubsubPlace(config, {})).toEqual({ url: 'https://pubsub.googleapis.com' });
    expect(pubsubPlace(config, { PUBSUB_EMULATOR_HOST: 'a:1' })).toEqual({ url: 'http://a:1' });
    expect(pubsubPlace(parseConfig({ JOB_SOURCE: 'runpod' }), {})).toHaveProperty('skipped');
    expect(firestorePlace({})).toHaveProperty('skipped');
    expect(firestorePlace({ GCLOUD_PROJECT: 'p' })).toEqual({ url: 'https://firestore.googleapis.com' });
    expect(firestorePlace({ FIRESTORE_EMULATOR_HOST: 'a:2' })).toEqual({ url: 'http://a:2' });
  });

  it('the outbox, as it lies on the disk', async () => {
    expect(await readOutbox(join(folder, 'none'), failed, 1_000)).toEqual({
      waiting: 0,
      oldestAgeMs: undefined,
      givenUp: 3,
    });
    await writeFile(join(folder, '001700000005000-b.json'), '{}');
    await writeFile(join(folder, '001700000000000-a.json'), '{}');
    expect(await readOutbox(folder, away, 1_700_000_060_000)).toEqual({
      waiting: 2,
      oldestAgeMs: 60_000,
      givenUp: 0,
      isStoreSilent: true,
    });
  });

  it('the programs of the engines that are configured', async () => {
    expect(await programsOf('flite', 'kokoro')).toEqual([]);
    expect(await programsOf('flite', 'coqui-python')).toEqual([`Python ${process.version}`]);
    expect(await programsOf('espeak-ng')).toHaveLength(2);
    const signal = new AbortController().signal;
    await expect(readProgramVersion('/no/such/program', signal)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('where the store is reached', () => {
    const s3 = {
      AUDIO_STORE: 's3',
      S3_BUCKET: 'tales',
      S3_ENDPOINT: 'https://s3.example:9000',
      S3_ACCESS_KEY_ID: 'id',
      S3_SECRET_ACCESS_KEY: 'key',
    };
    expect(urlOf({})).toBeUndefined();
    expect(urlOf(s3)).toBe('https://s3.example:9000');
    expect(urlOf({ ...s3, S3_ADDRESSING: 'virtual-host' })).toBe('https://tales.s3.example:9000');
    expect(urlOf({ AUDIO_STORE: 'gcs', GCS_BUCKET: 'tales' })).toBe('https://storage.googleapis.com');
    const endpoint = { GCS_ENDPOINT: 'http://127.0.0.1:1' };
    expect(urlOf({ AUDIO_STORE: 'gcs', GCS_BUCKET: 'tales', ...endpoint })).toBe('http://127.0.0.1:1');
  });

  it('where the worker listens', () => {
    expect(workerUrl({ host: '0.0.0.0', port: 9464 })).toBe('http://127.0.0.1:9464');
    expect(workerUrl({ host: '::1', port: 1 })).toBe('http://[::1]:1');
    expect(workerUrl({ host: '127.0.0.1', port: 0 })).toBeUndefined();
  });
});
