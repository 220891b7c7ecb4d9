import { randomUUID } from 'node:crypto';
import { createOwedEvents } from '@taleback/functions/src/events/owed-events.node.ts';
import { createEvents } from '@taleback/functions/src/events/pubsub.node.ts';
import { createCallerLimits } from '@taleback/functions/src/http/call.ts';
import { nodeEdge } from '@taleback/functions/src/http/edge.node.ts';
import { createReceiver } from '@taleback/functions/src/http/router.ts';
import { createFirestoreStories } from '@taleback/functions/src/stories/firestore-stories.node.ts';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getFirestore } from 'firebase-admin/firestore';
import { openEventConsumer } from '../chaos/event-consumer.ts';
import type { Random } from '../chaos/random.ts';
import { serve } from '../chaos/serve.ts';
import type { LoadSecrets } from './plan.ts';

export type LoadedReceiver = Awaited<ReturnType<typeof openLoadedReceiver>>;

/** All of it comes from one address, so the limits are there and out of the way. */
const LIMITS = { requestsPerSecond: 100_000, requestBurst: 100_000, refusalsPerMinute: 100_000 };
const STORE_TIMEOUT_MS = 30_000;
const LEASE_MS = 120_000;
/** On a busy machine, Node's 5 s are over just when the sender uses a connection again. */
const KEEP_ALIVE_MS = 120_000;

/** The receiver in this process, as the functions' entry wires it, over a project of its own. */
export const openLoadedReceiver = async (secrets: LoadSecrets, random: Random) => {
  const projectId = `demo-load-${randomUUID().slice(0, 8)}`;
  const app = initializeApp({ projectId }, projectId);
  const firestore = getFirestore(app);
  const consumer = await openEventConsumer(projectId, random);
  const decisions = new Map<string, number>();
  const faults: string[] = [];
  const ground = {
    now: Date.now,
    log: (severity: string, message: string, fields: Record<string, unknown> = {}): void => {
      if (message === 'callback') {
        const decision = String(fields['decision']);
        decisions.set(decision, (decisions.get(decision) ?? 0) + 1);
      } else if (severity === 'error') faults.push(`${message} ${JSON.stringify(fields)}`);
    },
  };
  const stories = createFirestoreStories(firestore, { timeoutMs: STORE_TIMEOUT_MS });
  const receiver = createReceiver({
    ...ground,
    stories,
    publishing: {
      events: createEvents({ projectId }),
      owed: createOwedEvents(firestore, { timeoutMs: STORE_TIMEOUT_MS }),
    },
    signatures: 'required',
    secrets: { standard: [secrets.standard], hmac: [secrets.hmac] },
    hmacHeaderPrefix: 'taleback',
    processingLeaseMs: LEASE_MS,
    callerLimits: createCallerLimits(LIMITS),
  });
  const server = await serve(nodeEdge(receiver), { keepAliveTimeout: KEEP_ALIVE_MS });
  return {
    url: server.url,
    firestore,
    /** How often each decision was taken. */
    decisions: decisions as ReadonlyMap<string, number>,
    /** Faults that the receiver logged. */
    faults: faults as readonly string[],
    /** What came over Pub/Sub. */
    events: consumer.events,
    close: async () => {
      await server.close();
      await consumer.close();
      await deleteApp(app);
    },
  };
};
