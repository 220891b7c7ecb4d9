import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CRC32C } from '@google-cloud/storage';
import type { GcsOptions } from '../../src/storage/gcs.node.ts';
import { type Answered, type Arrived, type FaultProxy, openFaultProxy } from './fault-proxy.ts';

export const BUCKET = 'tales';
const PROJECT = 'demo-storage';

export interface GcsService {
  readonly proxy: FaultProxy;
  readonly options: GcsOptions;
  close(): Promise<void>;
}

interface Emulator {
  start(): Promise<void>;
  stop(): Promise<void>;
  getInfo(): { name: string; host: string; port: number };
  getPersistenceTmpDir(): string;
}

/** The emulator's own modules, which are CommonJS and have no types. */
const load = createRequire(import.meta.url);
const { StorageEmulator } = load('firebase-tools/lib/emulator/storage') as {
  StorageEmulator: new (options: object) => Emulator;
};
const { createApp } = load('firebase-tools/lib/emulator/storage/server') as {
  createApp: (project: string, emulator: Emulator) => Promise<{ listen(port: number, host: string): Server }>;
};
const { EmulatorRegistry } = load('firebase-tools/lib/emulator/registry') as {
  EmulatorRegistry: { start(emulator: Emulator): Promise<void>; stop(name: string): Promise<void> };
};

/**
 * Google's emulator on a free port, with its files in a folder of its own, and without its rules engine: that is a program which
 * would be fetched from the network, and only Firebase's interface asks it, not Cloud Storage's.
 */
const createEmulator = (folder: string): Emulator => {
  let server: Server | undefined;
  class RulelessEmulator extends StorageEmulator {
    override async start(): Promise<void> {
      server = (await createApp(PROJECT, this)).listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    override async stop(): Promise<void> {
      server?.closeAllConnections();
      server?.close();
    }
    override getInfo(): ReturnType<Emulator['getInfo']> {
      const address = server?.address() as AddressInfo | undefined;
      return { name: 'storage', host: '127.0.0.1', port: address?.port ?? 0 };
    }
    override getPersistenceTmpDir(): string {
      return join(folder, 'blobs');
    }
  }
  return new RulelessEmulator({ projectId: PROJECT, rules: { name: 'storage.rules', content: '' } });
};

/** A refusal in the words of Cloud Storage. */
export const gcsError = (status: number, reason: string, message: string): Answered => ({
  status,
  headers: { 'content-type': 'application/json; charset=UTF-8' },
  body: Buffer.from(
    JSON.stringify({ error: { code: status, message, errors: [{ message, domain: 'global', reason }] } }),
  ),
});

export const CRC32C_MISMATCH = 'Provided CRC32C "AAAAAA==" doesn\'t match calculated CRC32C "wfsQWA==".';

/** Whether the checksum in the first part of an upload is that of its second part. Every upload of these tests must carry one. */
const checkUpload = (body: Buffer): boolean => {
  const headEnd = body.indexOf('\r\n\r\n') + 4;
  const boundary = body.subarray(0, body.indexOf('\r\n')).toString('latin1');
  const metadataEnd = body.indexOf(`\r\n${boundary}`, headEnd);
  const bytesStart = body.indexOf('\r\n\r\n', metadataEnd) + 4;
  const { crc32c } = JSON.parse(body.subarray(headEnd, metadataEnd).toString()) as { crc32c?: string };
  const crc = new CRC32C();
  crc.update(body.subarray(bytesStart, body.lastIndexOf(`\r\n${boundary}--`)));
  return crc.toString() === crc32c;
};

/** What Cloud Storage refuses and its emulator does not. */
const createGuard =
  (port: number) =>
  async ({ method, target, body }: Arrived): Promise<Answered | undefined> => {
    const url = new URL(target, 'http://gcs.local');
    const bucket = /\/b\/([^/]+)\//.exec(url.pathname)?.[1];
    if (bucket !== undefined && bucket !== BUCKET)
      return gcsError(404, 'notFound', 'The specified bucket does not exist.');
    const wanted = url.searchParams.get('ifGenerationMatch');
    if (method !== 'POST' || wanted === null) return undefined;
    const name = encodeURIComponent(url.searchParams.get('name') ?? '');
    const there = await fetch(`http://127.0.0.1:${port}/storage/v1/b/${BUCKET}/o/${name}`);
    const { generation = '0' } = (await there.json()) as { generation?: string };
    if (generation !== wanted)
      return gcsError(
        412,
        'conditionNotMet',
        'At least one of the pre-conditions you specified did not hold.',
      );
    return checkUpload(body) ? undefined : gcsError(400, 'invalid', CRC32C_MISMATCH);
  };

/** Google's emulator of Cloud Storage, behind a proxy that adds what it leaves out and breaks what a test wants. */
export const openGcsService = async (): Promise<GcsService> => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-gcs-'));
  const emulator = createEmulator(folder);
  await EmulatorRegistry.start(emulator);
  const { port } = emulator.getInfo();
  const proxy = await openFaultProxy({ port, guard: createGuard(port) });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return {
    proxy,
    options: {
      bucket: BUCKET,
      endpoint: `http://127.0.0.1:${proxy.port}`,
      credentials: {
        client_email: 'worker@demo-storage.iam.gserviceaccount.com',
        private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      },
      publicUrl: undefined,
      signedUrlSeconds: 3_600,
      retry: { maxAttempts: 4, backoff: { kind: 'schedule', delaysMs: [0], jitter: 'none' } },
      timeoutMs: 30_000,
    },
    close: async () => {
      await proxy.close();
      await EmulatorRegistry.stop('storage');
      await rm(folder, { recursive: true, force: true });
    },
  };
};
