import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { type Firestore, getFirestore } from 'firebase-admin/firestore';
import { createHeartbeatStore } from '../src/heartbeat/heartbeat-store.node.ts';
import { nodeEdge } from '../src/http/edge.node.ts';
import { createReceiver, type ReceiverOptions } from '../src/http/router.ts';
import { createFirestoreStories } from '../src/stories/firestore-stories.node.ts';

export interface ReceiverHarness {
  readonly baseUrl: string;
  readonly firestore: Firestore;
  readonly projectId: string;
  readonly logged: { readonly severity: string; readonly message: string; readonly fields: unknown }[];
  /** Posts to a route; a string or bytes go out as they are, anything else as JSON. */
  post(
    route: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; headers: Headers; body: unknown }>;
  /** Serves with more options from now on. */
  serve(more: Partial<ReceiverOptions>): void;
  story(id: string): Promise<Record<string, unknown> | undefined>;
  attempts(id: string): Promise<Record<string, Record<string, unknown>>>;
  close(): Promise<void>;
}

/** The receiver on a real server over Google's Firestore emulator, with a project of its own. */
export const openReceiver = async (options: Partial<ReceiverOptions> = {}): Promise<ReceiverHarness> => {
  const projectId = `demo-${randomUUID().slice(0, 13)}`;
  const app = initializeApp({ projectId }, projectId);
  const firestore = getFirestore(app);
  const logged: ReceiverHarness['logged'] = [];
  const ground: Pick<ReceiverOptions, 'now' | 'log'> = {
    now: Date.now,
    log: (severity, message, fields) => void logged.push({ severity, message, fields }),
  };
  const base: ReceiverOptions = {
    ...ground,
    stories: createFirestoreStories(firestore, { timeoutMs: 120_000 }),
    heartbeat: { ...ground, keep: createHeartbeatStore(firestore, { timeoutMs: 120_000 }).keep },
    signatures: 'off',
    secrets: { standard: [], hmac: [] },
    hmacHeaderPrefix: 'taleback',
    processingLeaseMs: 120_000,
    ...options,
  };
  let receiver = createReceiver(base);
  const server = createServer(nodeEdge((...from) => receiver(...from)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    baseUrl,
    firestore,
    projectId,
    logged,
    post: async (route, body, headers = {}) => {
      const raw = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
      const answer = await fetch(`${baseUrl}/api/tts/${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: raw as string,
      });
      const text = await answer.text();
      return {
        status: answer.status,
        headers: answer.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
    },
    serve: (more) => {
      receiver = createReceiver({ ...base, ...more });
    },
    story: async (id) => (await firestore.doc(`stories/${id}`).get()).data(),
    attempts: async (id) => {
      const { docs } = await firestore.collection(`stories/${id}/audioAttempts`).get();
      return Object.fromEntries(docs.map((doc) => [doc.id, doc.data()]));
    },
    close: async () => {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await deleteApp(app);
    },
  };
};
