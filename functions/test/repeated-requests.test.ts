import { randomUUID } from 'node:crypto';
import { DEFAULT_STORY_LIMITS } from '@taleback/core';
import { signHmac, signStandard } from '@taleback/core/signatures';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReceiverOptions } from '../src/http/router.ts';
import { createFirestoreStories } from '../src/stories/firestore-stories.node.ts';
import { openReceiver, type ReceiverHarness } from './harness.ts';

/** Of the servers that request narrations. */
const KEY = Buffer.alloc(24, 1);
const HMAC_SECRET = 'shared-with-the-api';
/** Of workers. */
const CALLBACK_KEY = Buffer.alloc(24, 2);
const CALLBACK_HMAC_SECRET = 'shared-with-the-handlers';
const PATH = '/api/tts/generate';

let receiver: ReceiverHarness;
const queued: string[] = [];

/** A new instance from now on, which knows only what Firestore knows. */
const serve = (more: Partial<ReceiverOptions> = {}): void => {
  const generate: ReceiverOptions['generate'] = {
    stories: createFirestoreStories(receiver.firestore, { timeoutMs: 120_000 }),
    queue: { publish: async (job) => void queued.push(job.id) },
    limits: DEFAULT_STORY_LIMITS,
    defaultVoice: 'slt',
    callbackUrl: 'https://tales.example/api/tts/callback',
    pendingLeaseMs: 900_000,
    log: () => {},
    now: Date.now,
    newId: randomUUID,
  };
  receiver.serve({ generate, ...more });
};

beforeAll(async () => {
  receiver = await openReceiver({
    signatures: 'required',
    secrets: { standard: [CALLBACK_KEY], hmac: [CALLBACK_HMAC_SECRET] },
    generateSecrets: { standard: [KEY], hmac: [HMAC_SECRET] },
  });
  serve();
});
afterAll(() => receiver.close());

type Proof = Record<string, string>;

const standard = (body: string, key: Uint8Array = KEY, id: string = randomUUID(), laterSeconds = 0): Proof =>
  signStandard({ id, timestampSeconds: Date.now() / 1000 + laterSeconds, body: Buffer.from(body) }, [key]);

const hmac = (body: string, secret = HMAC_SECRET, route = 'generate'): Proof =>
  signHmac(
    { method: 'POST', path: `/api/tts/${route}`, timestampMs: Date.now(), body: Buffer.from(body) },
    secret,
    'taleback',
  );

/** A request for a new story. */
const newRequest = () => {
  const id = randomUUID();
  const raw = JSON.stringify({ user_id: 'u1', voice_id: 'slt', text: 'Once upon a time.', story_id: id });
  const ask = async (headers: Proof): Promise<unknown> => {
    const { body } = await receiver.post('generate', raw, headers);
    return (body as { readonly job_id?: unknown }).job_id;
  };
  /** Ends the job as a worker would. */
  const end = async (jobId: unknown): Promise<void> => {
    await receiver.firestore.doc(`stories/${id}`).update({ audioStatus: 'ready' });
    await receiver.firestore.doc(`stories/${id}/audioAttempts/${String(jobId)}`).update({ status: 'ready' });
  };
  const jobsOf = async (): Promise<string[]> => Object.keys(await receiver.attempts(id));
  return { id, raw, ask, end, jobsOf };
};

describe('a request that was answered before', () => {
  it('opens no second job, whatever its key says: one signature or webhook-id is one request', async () => {
    const { raw, ask, end, jobsOf } = newRequest();
    const id = randomUUID();
    const signed = standard(raw, KEY, id);
    const recorded = hmac(raw);
    const jobId = await ask({ ...signed, ...recorded });
    expect(jobId).toMatch(/^[\da-f-]{36}$/);
    await end(jobId);
    const again = hmac(raw);
    const repeated: readonly Proof[] = [
      { ...signed, 'x-idempotency-key': 'a' },
      // Signed again by its sender.
      { ...standard(raw, KEY, id, 5), 'x-idempotency-key': 'b' },
      // Without the headers of the other scheme.
      { ...recorded, 'x-idempotency-key': 'c' },
      recorded,
    ];
    for (const headers of repeated) expect(await ask(headers)).toBe(jobId);
    expect(await ask({ ...again, 'x-idempotency-key': 'c' })).toBe(jobId);
    expect(await ask({ ...again, 'x-idempotency-key': 'd' })).toBe(jobId);
    expect(await jobsOf()).toEqual([jobId]);
  });

  it('is known to another instance, on other paths, and when its story was deleted', async () => {
    const { id, raw } = newRequest();
    const headers = { ...standard(raw), 'content-type': 'application/json' };
    const ask = async (path: string): Promise<unknown> =>
      (await fetch(receiver.baseUrl + path, { method: 'POST', headers, body: raw })).json();
    const first = (await ask(PATH)) as { readonly job_id: string };
    await receiver.firestore.recursiveDelete(receiver.firestore.doc(`stories/${id}`));
    serve();
    for (const path of [PATH, '/generate', `${PATH}/`]) expect(await ask(path)).toEqual(first);
    expect(await receiver.story(id)).toBeUndefined();
    expect(queued.filter((jobId) => jobId === first.job_id)).toHaveLength(1);
  });

  it('is known, too, when it opened nothing', async () => {
    const { raw, ask, end, jobsOf } = newRequest();
    const jobId = await ask(standard(raw));
    const late = standard(raw);
    for (let time = 0; time < 2; time += 1) {
      expect(await ask(late)).toBe(jobId);
      await end(jobId);
    }
    expect(await jobsOf()).toEqual([jobId]);
  });

  it('is one of many at once', async () => {
    const { raw, ask, jobsOf } = newRequest();
    const signed = standard(raw);
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    const answers = await Promise.all(keys.map((key) => ask({ ...signed, 'x-idempotency-key': key })));
    expect(new Set(answers).size).toBe(1);
    expect(await jobsOf()).toEqual([answers[0]]);
  });

  it('is kept for ten minutes, under a name that shows nothing of it', async () => {
    const { raw, ask, end } = newRequest();
    const beforeMs = Date.now();
    const jobId = await ask({ ...standard(raw), 'x-idempotency-key': 'a private order' });
    const { docs } = await receiver.firestore.collection('ttsReplays').where('jobId', '==', jobId).get();
    expect(docs).toHaveLength(2);
    for (const document of docs) {
      const { expiresAt, ...kept } = document.data() as { expiresAt: { toMillis: () => number } };
      expect(kept).toEqual({ jobId, attempt: 1 });
      expect(document.id).toMatch(/^[0-9a-f]{64}$/);
      expect(expiresAt.toMillis() - beforeMs).toBeGreaterThanOrEqual(600_000);
    }
    await end(jobId);
    const late = hmac(raw);
    expect(await ask({ ...late, 'x-idempotency-key': 'a private order' })).toBe(jobId);
    for (const { ref } of docs) await ref.update({ expiresAt: new Date(Date.now() - 1) });
    expect(await ask({ ...standard(raw), 'x-idempotency-key': 'another' })).not.toBe(jobId);
  });

  it('of another story or user is another request', async () => {
    const [one, other] = [newRequest(), newRequest()];
    const id = randomUUID();
    expect(await one.ask(standard(one.raw, KEY, id))).not.toBe(await other.ask(standard(other.raw, KEY, id)));
    const stranger = one.raw.replace('u1', 'u2');
    expect((await receiver.post('generate', stranger, standard(stranger, KEY, id))).status).toBe(404);
  });
});

const plant = async (audioStatus: string): Promise<string> => {
  const id = randomUUID();
  await receiver.firestore.doc(`stories/${id}`).set({ userId: 'u1', text: 'Mine.', audioStatus });
  return id;
};

describe('a message of another purpose', () => {
  it('opens no job: what a worker signed is never a request', async () => {
    const id = await plant('ready');
    const ids = { story_id: id, user_id: 'u1', voice_id: 'slt' };
    for (const more of [{}, { audio_url: 'https://a.example/x.mp3' }, { error: 'It broke' }]) {
      const body = JSON.stringify({ ...ids, ...more });
      for (const proof of [standard(body, CALLBACK_KEY), hmac(body, CALLBACK_HMAC_SECRET)])
        expect((await receiver.post('generate', body, proof)).status).toBe(401);
    }
    expect(await receiver.attempts(id)).toEqual({});
  });

  it.each(['callback', 'error-callback', 'progress', 'heartbeat'])(
    'ends no story: what a server signed is not taken by %s',
    async (route) => {
      const id = await plant('processing');
      const body = JSON.stringify({ story_id: id, error: 'e', audio_url: 'https://a.example/x.mp3' });
      for (const proof of [standard(body), hmac(body, HMAC_SECRET, route)])
        expect((await receiver.post(route, body, proof)).status).toBe(401);
      expect(await receiver.story(id)).toMatchObject({ audioStatus: 'processing' });
    },
  );

  it.each(['required', 'off'] as const)(
    'is all there is without secrets for requests: 401, and the log names the variable; signatures %s',
    async (signatures) => {
      serve({ generateSecrets: undefined, signatures });
      const { id, raw } = newRequest();
      const refused = { status: 401, body: { success: false, error: 'signature: missing or not valid' } };
      for (const proof of [{}, standard(raw), standard(raw, CALLBACK_KEY)])
        expect(await receiver.post('generate', raw, proof)).toMatchObject(refused);
      expect(await receiver.story(id)).toBeUndefined();
      expect(receiver.logged.at(-1)?.fields).toMatchObject({ reason: 'GENERATE_SECRETS is not set' });
      serve();
    },
  );
});
