import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DEFAULT_STORY_LIMITS, type TtsJobEvent, type Log } from '@taleback/core';
import { parseSecret } from '@taleback/core/signatures';
import { createHeartbeatStore } from '@taleback/functions/src/heartbeat/heartbeat-store.node.ts';
import { nodeEdge } from '@taleback/functions/src/http/edge.node.ts';
import { createReceiver } from '@taleback/functions/src/http/router.ts';
import { deleteStory } from '@taleback/functions/src/request/deletion.ts';
import { requestAudio, type RequestOptions } from '@taleback/functions/src/request/request-audio.ts';
import { createRunpodClient, type RunpodClient } from '@taleback/functions/src/runpod/client.ts';
import { dispatchJob, type DispatchOptions } from '@taleback/functions/src/runpod/dispatch.ts';
import { createUndiciHttp } from '@taleback/functions/src/runpod/http.node.ts';
import { createDeletionStore } from '@taleback/functions/src/stories/deletions.node.ts';
import { createFirestoreStories } from '@taleback/functions/src/stories/firestore-stories.node.ts';
import { type SweepOptions, sweepStories } from '@taleback/functions/src/sweep/sweep.ts';
import { type Stores, startStores } from '@taleback/scripts/src/emulators/stores.ts';
import { initializeApp } from 'firebase-admin/app';
import { type Firestore, getFirestore } from 'firebase-admin/firestore';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const WORKER = fileURLToPath(new URL('../../worker/src/main.ts', import.meta.url));
const API_KEY = 'key-of-the-account';
const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const STORY_MS = 60_000;
const projectId = `demo-runpod-${randomUUID().slice(0, 8)}`;
const folder = fileURLToPath(new URL(`../../.taleback/runpod-test-${process.pid}`, import.meta.url));

let stores: Stores;
let firestore: Firestore;
let server: Server;
let worker: ChildProcess;
let runpod: RunpodClient;
let requests: RequestOptions;
let dispatch: DispatchOptions & Pick<SweepOptions, 'stories' | 'pendingLeaseMs' | 'processingLeaseMs'>;
let ordered: TtsJobEvent | undefined;
/** Routes that do not reach the receiver: the sender is answered 500. */
const blocked = new Set<string>();
const seen: string[] = [];
const log: Log = () => {};

const listen = async (
  answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void,
): Promise<Server> => {
  const listening = createServer(answer);
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return listening;
};
const urlOf = (listening: Server): string => `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;

/** The worker with RunPod's interface. @returns the address of that */
const startWorker = async (): Promise<string> => {
  worker = spawn(process.execPath, ['--conditions=@taleback/source', WORKER], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      GOOGLE_CLOUD_PROJECT: projectId,
      JOB_SOURCE: 'runpod-dev',
      RUNPOD_DEV_PORT: '0',
      RUNPOD_DEV_API_KEY: API_KEY,
      CALLBACK_SECRETS: SECRET,
      ALLOW_PRIVATE_CALLBACKS: 'on',
      AUDIO_FOLDER: join(folder, 'audio'),
      SPEECH_CACHE_FOLDER: join(folder, 'cache'),
      HEARTBEAT_URL: `${urlOf(server)}/api/tts/heartbeat`,
      OUTBOX_FOLDER: join(folder, 'outbox'),
      AUDIO_PORT: '0',
      HEALTH_PORT: '0',
      SYSTEM_PROTECTION: 'off',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines = createInterface({ input: worker.stderr as NodeJS.ReadableStream });
  for await (const line of lines) {
    const { msg, url } = JSON.parse(line) as { readonly msg: string; readonly url?: string };
    if (msg === 'RunPod API ready' && url !== undefined) {
      worker.stderr?.resume();
      return url;
    }
  }
  throw new Error('the worker ended before its RunPod API was ready');
};

beforeAll(async () => {
  await mkdir(join(folder, 'audio'), { recursive: true });
  stores = await startStores(folder);
  firestore = getFirestore(initializeApp({ projectId }, projectId));
  let receive: ReturnType<typeof nodeEdge> | undefined;
  server = await listen((incoming, outgoing) => {
    const route = new URL(incoming.url ?? '/', 'http://h').pathname.split('/').at(-1) ?? '';
    seen.push(route);
    if (receive === undefined || blocked.has(route)) outgoing.writeHead(500).end();
    else receive(incoming, outgoing);
  });
  const apiUrl = `${await startWorker()}/v2`;
  const same = { log, now: Date.now, pendingLeaseMs: 60_000, processingLeaseMs: 60_000 };
  const away = { timeoutMs: 10_000 };
  const stories = createFirestoreStories(firestore, away);
  const key = parseSecret(SECRET);
  const http = createUndiciHttp();
  const account = { apiUrl, endpointId: 'tales', apiKey: { text: API_KEY }, http: http.runpod };
  runpod = createRunpodClient({ ...account, now: Date.now });
  const receiver = createReceiver({
    ...same,
    stories,
    signatures: 'required',
    secrets: { standard: [key], hmac: [] },
    hmacHeaderPrefix: 'taleback',
    webhook: { ...same, stories, secrets: [key], confirmWith: runpod },
    heartbeat: {
      ...same,
      keep: createHeartbeatStore(firestore, away).keep,
      // A minute later: a deletion that was finished just now waits for ten seconds.
      deletions: createDeletionStore(firestore, { ...away, now: () => Date.now() + 60_000 }),
    },
  });
  receive = nodeEdge(receiver);
  requests = {
    ...same,
    stories,
    queue: {
      publish: async (job) => {
        ordered = job;
      },
    },
    limits: DEFAULT_STORY_LIMITS,
    defaultVoice: 'slt',
    sharedVoices: ['ghost'],
    callbackUrl: `${urlOf(server)}/api/tts/callback`,
    newId: randomUUID,
  };
  dispatch = {
    ...same,
    runpod,
    stories,
    deadLetters: { publish: async () => {} },
    order: {
      webhookUrl: `${urlOf(server)}/api/tts/runpod-webhook`,
      urlSecret: key,
      executionTimeoutMs: 60_000,
      ttlMs: 60_000,
    },
  };
});

afterEach(() => {
  blocked.clear();
  seen.length = 0;
});

afterAll(async () => {
  worker.kill('SIGKILL');
  server.closeAllConnections();
  server.close();
  await stores.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A person's wish, as far as RunPod. */
const narrate = async (storyId: string, voiceId = 'slt'): Promise<void> => {
  const text = `A tale called ${storyId}, told by a machine far away.`;
  await firestore
    .doc(`stories/${storyId}`)
    .set({ userId: 'u1', title: storyId, text, language: 'en', voiceId });
  const answer = await requestAudio('request', 'u1', { storyId }, requests);
  expect(answer.kind).toBe('opened');
  const data = Buffer.from(JSON.stringify(ordered));
  expect(await dispatchJob({ data, attributes: {} }, dispatch)).toBe('sent');
};

const storyOf = async (storyId: string): Promise<Record<string, unknown>> =>
  (await firestore.doc(`stories/${storyId}`).get()).data() ?? {};

const endOf = async (storyId: string): Promise<Record<string, unknown>> => {
  await expect
    .poll(async () => (await storyOf(storyId))['audioStatus'], { timeout: STORY_MS })
    .toMatch(/^(ready|failed)$/);
  return storyOf(storyId);
};

const sourceOf = async (storyId: string, status: string): Promise<unknown> => {
  const { audioJobId } = await storyOf(storyId);
  const attempt = await firestore.doc(`stories/${storyId}/audioAttempts/${String(audioJobId)}`).get();
  return attempt.get(`transitions.${status}.source`);
};

const expectAudio = async ({ audioStoragePath }: Record<string, unknown>): Promise<void> => {
  const { size } = await stat(join(folder, 'audio', String(audioStoragePath)));
  expect(size).toBeGreaterThan(1_000);
};

const sweep = (): Promise<unknown> =>
  sweepStories({
    ...dispatch,
    runpod,
    requests,
    findAudio: undefined,
  });

describe('a story narrated at RunPod', () => {
  it('is ready by the callback of its handler, and the webhook that follows changes nothing', async () => {
    await narrate('by-callback');
    const story = await endOf('by-callback');
    expect(story).toMatchObject({ audioStatus: 'ready', audioAttempt: 1 });
    expect(story['audioRunpodJobId']).not.toBe(story['audioJobId']);
    await expectAudio(story);
    await expect.poll(() => seen.includes('runpod-webhook'), { timeout: STORY_MS }).toBe(true);
    expect(await sourceOf('by-callback', 'ready')).toBe('callback');
    expect(await storyOf('by-callback')).toEqual(story);
  });

  it('fails with the reason that its handler reported', async () => {
    await narrate('no-voice', 'ghost');
    expect(await endOf('no-voice')).toMatchObject({
      audioStatus: 'failed',
      audioErrorCode: 'voice_not_found',
      audioErrorRetryable: false,
    });
  });

  it('is ready by the webhook when the callback does not get through', async () => {
    blocked.add('callback');
    await narrate('by-webhook');
    const story = await endOf('by-webhook');
    expect(story).toMatchObject({ audioStatus: 'ready' });
    await expectAudio(story);
    expect(await sourceOf('by-webhook', 'ready')).toBe('runpod-webhook');
  });

  it('fails by the webhook, with the reason, when the error callback does not get through', async () => {
    blocked.add('error-callback');
    await narrate('failed-by-webhook', 'ghost');
    expect(await endOf('failed-by-webhook')).toMatchObject({
      audioStatus: 'failed',
      audioErrorCode: 'voice_not_found',
    });
    expect(await sourceOf('failed-by-webhook', 'failed')).toBe('runpod-webhook');
  });

  it('is ready by the sweeper, which asks RunPod, when neither gets through', async () => {
    for (const route of ['callback', 'progress', 'runpod-webhook']) blocked.add(route);
    await narrate('by-sweeper');
    await expect.poll(() => seen.includes('runpod-webhook'), { timeout: STORY_MS }).toBe(true);
    expect(await storyOf('by-sweeper')).toMatchObject({ audioStatus: 'pending' });
    await firestore.doc('stories/by-sweeper').update({ audioLeaseExpiresAt: new Date(Date.now() - 1) });
    await sweep();
    const story = await storyOf('by-sweeper');
    expect(story).toMatchObject({ audioStatus: 'ready' });
    await expectAudio(story);
    expect(await sourceOf('by-sweeper', 'ready')).toBe('sweeper');
  });

  it('leaves nothing with a worker that was away when it was deleted, and another story keeps all of its own', async () => {
    const letters = join(folder, 'outbox/private/failed_callbacks/2026-11-30');
    const list = async (place: string): Promise<string[]> =>
      readdir(join(folder, place), { recursive: true });
    const filesOf = async (storyId: string): Promise<string[]> =>
      [...(await list('audio')), ...(await list('outbox/private'))].filter(
        (path) => path.includes(storyId) && /\.(?:mp3|json)$/.test(path),
      );
    const countSounds = async (): Promise<number> =>
      (await list('cache')).filter((path) => /[0-9a-f]{64}$/.test(path)).length;
    const before = await countSounds();
    for (const storyId of ['stays', 'leaves']) {
      await narrate(storyId);
      expect(await endOf(storyId)).toMatchObject({ audioStatus: 'ready' });
    }
    const ended = once(worker, 'close');
    worker.kill('SIGKILL');
    await ended;
    await mkdir(letters, { recursive: true });
    for (const storyId of ['stays', 'leaves']) await writeFile(join(letters, `${storyId}-1.json`), '{}');
    const kept = await filesOf('stays');
    expect([kept.length, (await filesOf('leaves')).length]).toEqual([3, 3]);
    // A piece and a narration of each.
    expect(await countSounds()).toBe(before + 4);

    const deletions = createDeletionStore(firestore, { timeoutMs: 10_000, now: Date.now });
    const options = {
      deletions,
      narrations: undefined,
      hidden: undefined,
      runpod: undefined,
      log,
      now: Date.now,
    };
    expect(await deleteStory('u1', { storyId: 'leaves' }, options)).toEqual({ kind: 'deleted' });
    await startWorker();
    await expect.poll(() => filesOf('leaves'), { timeout: STORY_MS }).toEqual([]);
    await expect.poll(countSounds, { timeout: STORY_MS }).toBe(before + 2);
    expect(await filesOf('stays')).toEqual(kept);
  });
});
