import { once } from 'node:events';
import { Agent, createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DEFAULT_STORY_LIMITS, readNarration, readStoryAudio } from '@taleback/core';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { composeMenu } from '../src/heartbeat/menu.ts';
import { nodeEdge, refuseConnect } from '../src/http/edge.node.ts';
import { createReceiver } from '../src/http/router.ts';
import type { StoryStore } from '../src/stories/firestore-stories.node.ts';
import { bodyOf, FUZZED_ROUTES } from './fuzz-bodies.ts';
import { rawBytes } from './fuzz-raw.ts';
import {
  type FuzzedAnswer,
  type FuzzedRequest,
  fuzzedRequest,
  sendFuzzed,
  sendRaw,
} from './fuzz-requests.ts';
import { openReceiver, type ReceiverHarness } from './harness.ts';

/** Recorded, so that a red run can be run again; FUZZ_SEED tries another, FUZZ_RUNS more. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_121);
const RUNS = Number(process.env['FUZZ_RUNS'] ?? (process.env['TEST_SIZE'] === 'all' ? 10_000 : 2_000));
const share = (of: number): fc.Parameters<unknown> => ({ seed: SEED, numRuns: Math.ceil(RUNS * of) });
const LONG = { timeout: 600_000 };

const SECRETS = { key: Buffer.alloc(24, 1), hmac: 'shared-with-the-python-handlers' };

/** What a stack trace, a file of ours or a library's own words would look like. */
const TELLTALE =
  /node_modules|\bat \S+ ?\(|\.(?:ts|js|mjs):\d+|\/work\/|\/home\/|firestore|ZodError|TypeError|undefined/i;

/** Everything that would have been written or queued. */
const writes: string[] = [];

const stories: Pick<StoryStore, 'apply' | 'open' | 'ping'> = {
  apply: async ({ storyId, admits }, decide) => {
    if (admits?.({ userId: 'u1', requestedBy: undefined }) === false) return { kind: 'not-admitted' };
    const { kind, isWanted = true } = decide(readStoryAudio({ audioStatus: 'pending' }), {});
    writes.push(storyId);
    return { kind: 'decided', decision: kind, isWanted, narration: readNarration({}) };
  },
  open: async ({ storyId }, decide) => {
    const decision = decide(undefined);
    if (decision.kind === 'opened') writes.push(storyId);
    return decision;
  },
  ping: async () => true,
};

const faults: unknown[] = [];

const mount = async (
  signatures: 'required' | 'off',
): Promise<{ server: Server; port: number; agent: Agent }> => {
  const ground = {
    log: (_: unknown, message: string, fields?: object) => {
      if (message.includes('fault')) faults.push(fields);
    },
    now: Date.now,
  };
  const receiver = createReceiver({
    ...ground,
    stories,
    signatures,
    secrets: { standard: [SECRETS.key], hmac: [SECRETS.hmac] },
    generateSecrets: { standard: [SECRETS.key], hmac: [SECRETS.hmac] },
    hmacHeaderPrefix: 'taleback',
    processingLeaseMs: 1_000,
    bodyTimeoutMs: 1_000,
    heartbeat: {
      ...ground,
      keep: async ({ workerId, engines }, nowMs) => {
        const entry = {
          workerId,
          digest: '',
          expiresAtMs: nowMs + 1,
          engines: engines.map((one) => ({ ...one })),
        };
        expect(composeMenu([], [entry], nowMs)).toHaveLength(engines.length);
        writes.push(workerId);
        return { kind: 'kept', isNews: true };
      },
    },
    generate: {
      ...ground,
      stories,
      queue: { publish: async (job) => void writes.push(job.id) },
      limits: DEFAULT_STORY_LIMITS,
      defaultVoice: 'slt',
      callbackUrl: 'https://tales.example/api/tts/callback',
      pendingLeaseMs: 1_000,
      newId: () => 'j',
    },
  });
  const server = createServer(nodeEdge(receiver)).on('connect', refuseConnect);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port, agent: new Agent({ keepAlive: true }) };
};

const unmount = async ({
  server,
  agent,
}: {
  readonly server: Server;
  readonly agent: Agent;
}): Promise<void> => {
  agent.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
};

/** The law of every answer, whatever was sent. */
const expectSoundAnswer = ({ method }: FuzzedRequest, { status, text }: FuzzedAnswer): void => {
  expect([0, 200, 400, 401, 404, 405, 408, 413, 415, 417, 422, 431]).toContain(status);
  expect(text.length).toBeLessThan(8_000);
  if (status < 400 || method === 'HEAD' || text === '') return;
  // The words of the caller come back only as the id of a story, and this one is never a caller's.
  expect(text.replace(/"error":"(?:story_id|user_id): .*"/s, '')).not.toMatch(TELLTALE);
  expect(JSON.parse(text)).toEqual({ success: false, error: expect.any(String) });
};

describe.each(['required', 'off'] as const)('thousands of hostile requests, signatures %s', (signatures) => {
  let mounted: Awaited<ReturnType<typeof mount>>;
  beforeAll(async () => {
    mounted = await mount(signatures);
  });
  afterAll(() => unmount(mounted));

  it('are answered soundly, and write only what was proved and well-formed', LONG, async () => {
    const seen = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(fuzzedRequest(SECRETS), async (fuzzed) => {
        writes.length = 0;
        faults.length = 0;
        const answer = await sendFuzzed(mounted.port, mounted.agent, fuzzed);
        seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
        expect(faults).toEqual([]);
        expectSoundAnswer(fuzzed, answer);
        const isProved = signatures === 'off' || fuzzed.proof === 'standard' || fuzzed.proof === 'hmac';
        const mayWrite = isProved && answer.status === 200;
        expect(mayWrite ? [] : writes).toEqual([]);
      }),
      share(0.4),
    );
    // A fuzzer that never got in would prove nothing.
    const expected =
      signatures === 'required' ? [200, 401, 404, 405, 415, 422] : [200, 400, 404, 405, 415, 422];
    for (const status of expected)
      expect(seen.get(status) ?? 0, `answers ${status}`).toBeGreaterThan(RUNS / 500);
  });

  it('on a bare connection, too', LONG, async () => {
    const openings = new Set<string>();
    await fc.assert(
      fc.asyncProperty(rawBytes, async (bytes) => {
        writes.length = 0;
        faults.length = 0;
        const answer = await sendRaw(mounted.port, bytes);
        openings.add(answer.slice(0, 12));
        expect(faults).toEqual([]);
        expect(answer).toMatch(/^(?:$|HTTP\/1\.1 [1234]\d\d )/);
        expect(answer).not.toMatch(/HTTP\/1\.1 5\d\d /);
        expect(answer.replace(/"error":"(?:story_id|user_id): .*?"\}/gs, '')).not.toMatch(TELLTALE);
        expect(signatures === 'required' ? writes : []).toEqual([]);
      }),
      share(0.1),
    );
    for (const status of ['400', '404', '405', '413', '431'])
      expect(openings).toContain(`HTTP/1.1 ${status}`);
  });
});

describe('a thousand odd callbacks over Firestore, signatures off', () => {
  const STORIES = 40;
  let receiver: ReceiverHarness;
  beforeAll(async () => {
    receiver = await openReceiver();
    const batch = receiver.firestore.batch();
    for (let index = 0; index < STORIES; index += 1) {
      batch.set(receiver.firestore.doc(`stories/s${index}`), {
        userId: 'u1',
        text: 'Once.',
        audioStatus: 'pending',
      });
    }
    await batch.commit();
  });
  afterAll(() => receiver.close());

  it('never meet what Firestore cannot hold', LONG, async () => {
    const storyIds = fc.nat(STORIES - 1).map((index) => `"s${index}"`);
    const routes = FUZZED_ROUTES.filter((route) => route !== 'generate');
    const odd = fc.oneof(
      ...routes.map((route) => fc.record({ route: fc.constant(route), body: bodyOf(route, storyIds) })),
    );
    const seen = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(odd, async ({ route, body }) => {
        const { status } = await receiver.post(route, body);
        seen.set(status, (seen.get(status) ?? 0) + 1);
        expect([200, 404, 413, 422]).toContain(status);
      }),
      { ...share(0.1), endOnFailure: true },
    );
    expect(seen.get(200) ?? 0).toBeGreaterThan((RUNS * 0.1) / 4);
    const { docs } = await receiver.firestore.collection('stories').get();
    expect(docs).toHaveLength(STORIES);
    for (const story of docs) expect(story.data()).toMatchObject({ userId: 'u1', text: 'Once.' });
  });
});
