import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openGcsObjectStore } from '@taleback/worker/src/storage/gcs.node.ts';
import { openS3ObjectStore } from '@taleback/worker/src/storage/s3.node.ts';
import { formatDeadLetter } from '@taleback/outbox';
import { createLibrary, type Library, type ObjectStore } from '@taleback/worker/src/storage/library.ts';
import {
  openRecordingReceiver,
  type RecordingReceiver,
} from '../../packages/outbox/test/recording-receiver.ts';
import type { FaultProxy } from '@taleback/worker/test/storage/fault-proxy.ts';
import { openGcsService } from '@taleback/worker/test/storage/gcs-service.ts';
import { ACCESS_KEY, BUCKET, openS3Service } from '@taleback/worker/test/storage/s3-service.ts';
import { runHere } from './cli/run-cli.ts';
import { messageTo } from '../../packages/outbox/test/child-message.ts';

interface Bucket {
  readonly objects: ObjectStore;
  readonly proxy: FaultProxy;
  readonly environment: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
}

/** So that five records lie on more than one page. */
const KEYS_PER_PAGE = 2;

const openS3 = async (): Promise<Bucket> => {
  const service = await openS3Service();
  const { access, proxy } = service;
  const objects = openS3ObjectStore({ ...access, keysPerPage: KEYS_PER_PAGE });
  return {
    objects,
    proxy,
    environment: {
      AUDIO_STORE: 's3',
      S3_BUCKET: BUCKET,
      S3_ENDPOINT: access.endpoint,
      S3_ACCESS_KEY_ID: ACCESS_KEY.id,
      S3_SECRET_ACCESS_KEY: ACCESS_KEY.secret,
    },
    close: async () => {
      await objects.close();
      await service.close();
    },
  };
};

const openGcs = async (): Promise<Bucket> => {
  const service = await openGcsService();
  const { options, proxy } = service;
  return {
    objects: openGcsObjectStore({ ...options, keysPerPage: KEYS_PER_PAGE }),
    proxy,
    environment: { AUDIO_STORE: 'gcs', GCS_BUCKET: BUCKET, GCS_ENDPOINT: options.endpoint ?? '' },
    close: () => service.close(),
  };
};

const suite = (name: string, open: () => Promise<Bucket>): void => {
  describe(`callbacks that were given up into a bucket of ${name}`, () => {
    let bucket: Bucket;
    let records: Library;
    let folder: string;
    let receiver: RecordingReceiver;
    beforeAll(async () => {
      bucket = await open();
      records = createLibrary(bucket.objects);
    });
    afterAll(() => bucket.close());
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'taleback-replay-'));
      receiver = await openRecordingReceiver();
    });
    afterEach(async () => {
      await receiver.close();
      await rm(folder, { recursive: true, force: true });
      const left = bucket.proxy.takeLeftFaults();
      if (left.length > 0) throw new Error(`no request ran into ${JSON.stringify(left)}`);
      for (const key of await records.list('failed_callbacks')) await bucket.objects.remove(key);
    });

    const taleback = async (
      ...args: string[]
    ): Promise<{ readonly code: number | null; readonly output: string }> => {
      const env = {
        OUTBOX_FOLDER: folder,
        AUDIO_FOLDER: join(folder, 'nowhere'),
        CONTROL_FILE: join(folder, 'control.env'),
        CALLBACK_SECRETS: `whsec_${randomBytes(24).toString('base64')}`,
        ALLOW_PRIVATE_CALLBACKS: 'on',
        JOB_SOURCE: 'runpod-dev',
        HEALTH_PORT: '0',
        METADATA_SERVER_DETECTION: 'none',
        GCE_METADATA_HOST: '127.0.0.1:9',
        ...bucket.environment,
      };
      const { code, out, err } = await runHere(args, { env, cwd: folder });
      return { code, output: out + err };
    };

    const giveUp = async (id: string, createdMs: number): Promise<string> => {
      const key = `failed_callbacks/2026-01-02/${id}.json`;
      const delivery = { kind: 'refused', status: 422, excerpt: 'no' } as const;
      const end = { why: 'refused', delivery, attempts: 1, atMs: createdMs } as const;
      const message = messageTo(receiver.url, id);
      await records.keep(key, formatDeadLetter({ message, createdMs, ...end }));
      return key;
    };
    const sentIds = (): (string | null)[] =>
      receiver.requests.map(({ headers }) => headers.get('webhook-id'));
    const keysNow = async (): Promise<string[]> => [...(await records.list('failed_callbacks'))].sort();

    it('are listed over all pages', async () => {
      const keys: string[] = [];
      for (const id of ['s1-1', 's2-1', 's3-1', 's4-1', 's5-1']) keys.push(await giveUp(id, 1));
      const before = bucket.proxy.arrived.length;
      expect(await keysNow()).toEqual(keys);
      expect(bucket.proxy.arrived.length - before).toBe(3);
    });

    it('are sent again, oldest first, and moved away', async () => {
      await giveUp('s2-1', 2_000);
      await giveUp('s1-1', 1_000);
      expect((await taleback('replay', '--dry-run')).output).toContain('2 would be sent.');
      expect(receiver.requests).toEqual([]);
      const { code, output } = await taleback('replay');
      expect(output).toContain('2 of 2 accepted.');
      expect([code, sentIds()]).toEqual([0, ['ready_s1-1', 'ready_s2-1']]);
      expect(await keysNow()).toEqual([
        'failed_callbacks/replayed/2026-01-02/s1-1.json',
        'failed_callbacks/replayed/2026-01-02/s2-1.json',
      ]);
      expect((await taleback('replay')).output).toContain('There is nothing to replay.');
    });

    it('are not lost when the move away breaks off, and sent again', async () => {
      const key = await giveUp('s1-1', 1_000);
      bucket.proxy.expectFaults({ method: 'DELETE', kind: 'answer', status: 403 });
      const broken = await taleback('replay');
      expect(broken.output).toContain('accepted, but it could not be moved to replayed/');
      expect(broken.code).toBe(1);
      expect(await records.read(key)).toBeDefined();
      expect(await taleback('replay')).toMatchObject({ code: 0 });
      expect(sentIds()).toEqual(['ready_s1-1', 'ready_s1-1']);
      expect(await records.read(key)).toBeUndefined();
    });

    it('are counted by the doctor', async () => {
      await giveUp('s1-1', 1_000);
      const { output } = await taleback('doctor', '--json', '--timeout', '50');
      const { checks } = JSON.parse(output) as { checks: { name: string; summary: string }[] };
      expect(checks.find(({ name }) => name === 'outbox')).toMatchObject({
        status: 'warning',
        summary: 'Nothing waits, 1 were given up.',
      });
    });

    it('are sent to another receiver when theirs is gone', async () => {
      await giveUp('s1-1', 1_000);
      const other = await openRecordingReceiver();
      const { code } = await taleback('replay', '--receiver', `${other.url}/base`);
      expect([code, receiver.requests.length]).toEqual([0, 0]);
      expect(other.requests.map(({ path }) => path)).toEqual(['/base/api/tts/callback']);
      await other.close();
    });

    it('end the command with 1 when the bucket cannot be asked for them', async () => {
      bucket.proxy.expectFaults({ method: 'GET', kind: 'answer', status: 403 });
      const { code, output } = await taleback('replay');
      expect(output).toMatch(/^taleback: [^\n]*bucket[^\n]*\n$/);
      expect(code).toBe(1);
    });
  });
};

suite('S3', openS3);
suite('Cloud Storage', openGcs);
