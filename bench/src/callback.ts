import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNames } from '@taleback/core';
import { signStandard } from '@taleback/core/signatures';
import { createOwedEvents } from '@taleback/functions/src/events/owed-events.node.ts';
import { createEvents } from '@taleback/functions/src/events/pubsub.node.ts';
import { nodeEdge } from '@taleback/functions/src/http/edge.node.ts';
import { createReceiver } from '@taleback/functions/src/http/router.ts';
import { createFirestoreStories } from '@taleback/functions/src/stories/firestore-stories.node.ts';
import { startStores } from '@taleback/scripts/src/emulators/stores.ts';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { FieldValue, getFirestore } from 'firebase-admin/firestore';
import { atMost, type BenchResult, elapsedMs, interleaved, judged, median, pairedRatio } from './measure.ts';

const ROUNDS = 7;
const TRIPS = 12;
const KEY = Buffer.alloc(32, 'a key of the benchmark');
const TIMEOUT_MS = 30_000;
/** A publication that failed is not waited for. */
const MOST_SETTLING_MS = 5_000;

/**
 * A whole callback, over HTTP into Firestore with its event, beside a bare transaction of firebase-admin that reads and writes two
 * documents. The publication goes on after the answer, and the next trip begins when it has ended.
 */
export const run = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-bench-callback-'));
  const stores = await startStores(folder);
  const projectId = `demo-${randomUUID().slice(0, 8)}`;
  const app = initializeApp({ projectId }, projectId);
  const firestore = getFirestore(app);
  const store = { timeoutMs: TIMEOUT_MS };
  const ground = { now: Date.now, log: () => {} };
  const owed = createOwedEvents(firestore, store);
  let settled = Promise.withResolvers<void>();
  const receiver = createReceiver({
    ...ground,
    stories: createFirestoreStories(firestore, store),
    publishing: {
      events: createEvents({ projectId }),
      owed: {
        ...owed,
        settle: async (id) => {
          const answer = await owed.settle(id);
          settled.resolve();
          return answer;
        },
      },
      limitMs: 0,
    },
    signatures: 'required',
    secrets: { standard: [KEY], hmac: [] },
    hmacHeaderPrefix: 'taleback',
    processingLeaseMs: 120_000,
  });
  const server = createServer(nodeEdge(receiver));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true });
  const { collections } = createNames();
  /** Stories under way with their attempts, written before anything is measured. */
  const newStories = async (count: number): Promise<string[]> => {
    const batch = firestore.batch();
    const ids = Array.from({ length: count }, () => randomUUID());
    for (const id of ids) {
      const story = firestore.collection(collections.stories).doc(id);
      batch.set(story, { userId: 'u1', audioStatus: 'processing', audioJobId: 'j1', audioAttempt: 1 });
      batch.set(story.collection(collections.attempts).doc('j1'), { number: 1, status: 'processing' });
    }
    await batch.commit();
    return ids;
  };
  const send = (storyId: string): Promise<void> => {
    const path = '/api/tts/callback';
    const body = Buffer.from(
      JSON.stringify({
        story_id: storyId,
        job_id: 'j1',
        user_id: 'u1',
        audio_url: 'https://a.example/x.mp3',
      }),
    );
    const signed = signStandard({ id: storyId, timestampSeconds: Date.now() / 1000, body }, [KEY]);
    const headers = { 'content-type': 'application/json', 'content-length': body.byteLength, ...signed };
    return new Promise((resolve, reject) => {
      request({ port, path, method: 'POST', agent, headers }, (answer) => {
        if (answer.statusCode !== 200) reject(new Error(`the receiver answered ${answer.statusCode}`));
        answer.resume().on('end', resolve);
      })
        .on('error', reject)
        .end(body);
    });
  };
  const write = (storyId: string): Promise<void> =>
    firestore.runTransaction(async (transaction) => {
      const story = firestore.collection(collections.stories).doc(storyId);
      const attempt = story.collection(collections.attempts).doc('j1');
      await transaction.getAll(story, attempt);
      const updatedAt = FieldValue.serverTimestamp();
      transaction.update(story, { audioStatus: 'ready', audioUrl: 'https://a.example/x.mp3', updatedAt });
      transaction.update(attempt, { status: 'ready', updatedAt });
    });
  try {
    const ids = await newStories(2 * TRIPS * (ROUNDS + 1));
    const contestants = { ours: send, bare: write };
    const costs = await interleaved(contestants, ROUNDS, async (go) => {
      const tripsMs: number[] = [];
      for (let made = 0; made < TRIPS; made += 1) {
        settled = Promise.withResolvers();
        tripsMs.push(await elapsedMs(() => go(ids.pop() ?? '')));
        if (go === send) await Promise.race([settled.promise, sleep(MOST_SETTLING_MS)]);
      }
      return median(tripsMs);
    });
    const figures = {
      oursMs: median(costs.ours),
      bareMs: median(costs.bare),
      overBare: pairedRatio(costs.ours, costs.bare),
    };
    return judged('callback', figures, { overBare: atMost(1.15) });
  } finally {
    agent.destroy();
    server.closeAllConnections();
    server.close();
    await deleteApp(app);
    await stores.stop();
    await rm(folder, { recursive: true, force: true });
  }
};
