import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jobOfUrl } from '@taleback/core/signatures';
import type { Timestamp } from 'firebase-admin/firestore';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeEdge } from '../src/http/edge.node.ts';
import { createReceiver } from '../src/http/router.ts';
import { requestAudio } from '../src/request/request-audio.ts';
import { failDeadLetter } from '../src/runpod/dead-letter.ts';
import { dispatchJob, type DispatchOptions, type QueuedMessage } from '../src/runpod/dispatch.ts';
import { createRunpodTurns } from '../src/runpod/turns.node.ts';
import { CALLBACK_URL, clientOf, type Kept, type Nets, openNets, SECRET } from './nets-harness.ts';
import { openRunpodApi, type RunpodApi } from './runpod-api.ts';

let nets: Nets;
let api: RunpodApi;
let options: DispatchOptions;
beforeAll(async () => {
  [nets, api] = await Promise.all([openNets(), openRunpodApi()]);
});
afterAll(() => Promise.all([nets.close(), api.close()]));
beforeEach(() => {
  api.script.length = 0;
  api.calls.length = 0;
  options = {
    ...nets.same,
    runpod: clientOf(api).client,
    stories: nets.stories,
    deadLetters: nets.deadLetters,
    order: {
      webhookUrl: 'https://tales.example/api/tts/runpod-webhook',
      urlSecret: SECRET,
      executionTimeoutMs: 600_000,
      ttlMs: 3_600_000,
    },
  };
});

/** A story that a person asked for, and its job as the topic delivers it. */
const queuedJob = async (
  userId = 'u1',
): Promise<{ storyId: string; jobId: string; message: QueuedMessage }> => {
  const storyId = await nets.newStory({ userId });
  const answer = await requestAudio('request', userId, { storyId }, nets.requests);
  const jobId = answer.kind === 'opened' ? String(answer.jobId) : '';
  const found = (): Kept | undefined => nets.kept.jobs.find(({ data }) => data.id === jobId);
  await vi.waitFor(() => expect(found()).toBeDefined(), { timeout: 120_000, interval: 10 });
  const data = Buffer.from(JSON.stringify(found()?.data));
  return { storyId, jobId, message: { data, attributes: { jobId, storyId } } };
};

const letterOf = async (storyId: string): Promise<Kept | undefined> => {
  const find = (): Kept | undefined =>
    nets.kept.deadLetters.find(({ attributes }) => attributes['storyId'] === storyId);
  await vi.waitFor(() => expect(find()).toBeDefined(), { timeout: 120_000, interval: 10 });
  return find();
};

describe('dispatchJob', () => {
  it('sends the job with addresses that name it, and remembers what RunPod calls it', async () => {
    const { storyId, jobId, message } = await queuedJob();
    expect(await dispatchJob(message, options)).toBe('sent');
    const runpodJobId = [...api.jobs.keys()].at(-1);
    const body = api.calls[0]?.body as {
      input: { text: string; metadata: Record<string, string> };
      webhook: string;
      policy: unknown;
    };
    expect(body.input).toMatchObject({
      text: 'Once upon a time.',
      metadata: { story_id: storyId, user_id: 'u1', job_id: jobId, attempt: 1 },
    });
    expect(body.policy).toEqual({ executionTimeout: 600_000, ttl: 3_600_000 });
    for (const address of [body.webhook, body.input.metadata['callback_url'] ?? ''])
      expect(jobOfUrl(address, [SECRET], storyId)).toEqual({ kind: 'verified', jobId });
    expect(body.input.metadata['callback_url']).toMatch(CALLBACK_URL);
    expect(new URL(body.webhook).searchParams.get('story')).toBe(storyId);
    expect(await nets.story(storyId)).toMatchObject({
      audioStatus: 'pending',
      audioRunpodJobId: runpodJobId,
    });
    expect(await nets.attempt(storyId, jobId)).toMatchObject({ runpodJobId, status: 'pending', number: 1 });
  });

  it('sends a job that comes again once', async () => {
    const { message } = await queuedJob();
    expect(await dispatchJob(message, options)).toBe('sent');
    expect(await dispatchJob(message, options)).toBe('not-wanted');
    expect(api.calls).toHaveLength(1);
  });

  it('takes one back when two deliveries are under way at once', async () => {
    const { storyId, jobId, message } = await queuedJob();
    await Promise.all([dispatchJob(message, options), dispatchJob(message, options)]);
    const { runpodJobId } = await nets.attempt(storyId, jobId);
    const others = api.calls.filter(({ path }) => path.includes('/cancel/'));
    const runs = api.calls.filter(({ path }) => path.endsWith('/run')).length;
    expect(others).toHaveLength(runs - 1);
    expect(api.jobs.get(String(runpodJobId))).toMatchObject({ status: 'IN_QUEUE' });
  });

  it.each([
    ['was given up for another', { audioJobId: 'newer' }],
    ['failed', { audioStatus: 'failed' }],
    ['is being worked on', { audioStatus: 'processing' }],
  ])('does not send a job that %s', async (_what, fields) => {
    const { storyId, message } = await queuedJob();
    await nets.firestore.doc(`stories/${storyId}`).update(fields);
    expect(await dispatchJob(message, options)).toBe('not-wanted');
    expect(api.calls).toEqual([]);
  });

  it('is not sent when its attempt has ended and another app set the story back', async () => {
    const { storyId, jobId, message } = await queuedJob();
    const attempt = nets.firestore.doc(`stories/${storyId}/audioAttempts/${jobId}`);
    await attempt.update({ status: 'failed' });
    expect(await dispatchJob(message, options)).toBe('not-wanted');
    expect(api.calls).toEqual([]);
  });

  it('keeps RunPod’s id off a story that went on to another attempt meanwhile, and on the attempt', async () => {
    const { storyId, jobId, message } = await queuedJob();
    const run: DispatchOptions['runpod']['run'] = async (order) => {
      await nets.firestore.doc(`stories/${storyId}`).update({ audioJobId: 'newer' });
      return options.runpod.run(order);
    };
    const runpod = { ...options.runpod, run };
    expect(await dispatchJob(message, { ...options, runpod })).toBe('sent');
    expect(await nets.story(storyId)).not.toHaveProperty('audioRunpodJobId');
    expect(await nets.attempt(storyId, jobId)).toHaveProperty('runpodJobId');
  });

  it.each([
    [401, 'credentials_invalid', false],
    [403, 'permission_denied', false],
    [402, 'provider_quota_exceeded', false],
    [400, 'provider_rejected', false],
    [429, 'provider_rate_limited', true],
    [503, 'provider_unavailable', true],
  ])('fails the story and sets the job aside after %i: %s', async (status, code, retryable) => {
    const { storyId, jobId, message } = await queuedJob();
    api.script.push(...Array.from({ length: 4 }, () => ({ status })));
    expect(await dispatchJob(message, options)).toBe('failed');
    const story = await nets.story(storyId);
    expect(story).toMatchObject({
      audioStatus: 'failed',
      audioErrorCode: code,
      audioErrorRetryable: retryable,
      audioErrorDetails: expect.stringContaining(String(status)),
    });
    expect(Object.hasOwn(story, 'audioRetryAt')).toBe(retryable);
    expect(await nets.attempt(storyId, jobId)).toMatchObject({
      transitions: { failed: { source: 'dispatch' } },
    });
    expect(await letterOf(storyId)).toMatchObject({
      data: { id: jobId },
      attributes: { jobId, storyId, code, reason: expect.stringContaining(String(status)) },
    });
  });

  it('sets aside what is no job', async () => {
    const storyId = randomUUID();
    const message = { data: Buffer.from('{"id":7}'), attributes: { storyId, jobId: 'j' } };
    expect(await dispatchJob(message, options)).toBe('malformed');
    expect(await letterOf(storyId)).toMatchObject({ attributes: { code: 'request_invalid' } });
    expect(await dispatchJob({ data: Buffer.from([0xff]), attributes: {} }, options)).toBe('malformed');
    expect(api.calls).toEqual([]);
  });

  it('asks for the message again when the story can neither be read nor updated', async () => {
    const { message } = await queuedJob();
    const away = { kind: 'store-away', cause: 'UNAVAILABLE' } as const;
    const unread = { ...nets.stories, readJob: async () => away };
    await expect(dispatchJob(message, { ...options, stories: unread })).rejects.toThrow(/UNAVAILABLE/);
    api.script.push({ status: 401 });
    const stories = { ...nets.stories, apply: async () => away };
    const deadLetters = { publish: () => Promise.reject(new Error('no topic')) };
    await expect(dispatchJob(message, { ...options, stories, deadLetters })).rejects.toThrow(/dead letter/);
    expect(await dispatchJob(message, options)).toBe('sent');
  });

  it('sets one letter aside when the story cannot be updated, and needs no redelivery', async () => {
    const { message } = await queuedJob();
    api.script.push({ status: 401 });
    const published: unknown[] = [];
    const deadLetters = { publish: async (letter: unknown) => void published.push(letter) };
    const stories = {
      ...nets.stories,
      apply: async () => ({ kind: 'store-away', cause: 'locked' }) as const,
    };
    expect(await dispatchJob(message, { ...options, stories, deadLetters })).toBe('failed');
    expect(published).toHaveLength(1);
  });

  it('says the failure also when the dead letter cannot be kept', async () => {
    const { storyId, jobId, message } = await queuedJob();
    api.script.push({ status: 401 });
    const deadLetters = { publish: () => Promise.reject(new Error('no topic')) };
    await expect(dispatchJob(message, { ...options, deadLetters })).rejects.toThrow(/dead letter/);
    expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'failed' });
    await expect(dispatchJob(message, { ...options, deadLetters })).rejects.toThrow(/dead letter/);
    expect(await dispatchJob(message, options)).toBe('failed');
    const attributes = { jobId, storyId, code: 'credentials_invalid', retryable: 'false' };
    expect(await letterOf(storyId)).toMatchObject({ data: { id: jobId }, attributes });
    expect(api.calls).toHaveLength(1);
  });

  it('asks for what is no job again when it cannot be set aside', async () => {
    const deadLetters = { publish: () => Promise.reject(new Error('no topic')) };
    const message = { data: Buffer.from('{}'), attributes: {} };
    await expect(dispatchJob(message, { ...options, deadLetters })).rejects.toThrow(/dead letter/);
  });

  it.each([
    ['the queue seemed not to take', { status: 'failed', error: { code: 'queue_unavailable' } }],
    ['RunPod took although it said no', { status: 'ready' }],
  ])('writes no letter of a job that %s', async (_what, ended) => {
    const { message, jobId, storyId } = await queuedJob();
    await nets.firestore.doc(`stories/${storyId}`).update({ audioStatus: ended.status });
    const attempt = { ...ended, transitions: { failed: { source: 'dispatch' } } };
    await nets.firestore.doc(`stories/${storyId}/audioAttempts/${jobId}`).set(attempt, { merge: true });
    expect(await dispatchJob(message, options)).toBe('not-wanted');
  });

  it.each([
    [400, false],
    [402, false],
    [503, true],
  ])(
    'has kept the dead letter before the story is updated, which then says the same: %i',
    async (status, retryable) => {
      const { storyId, message } = await queuedJob();
      api.script.push(...Array.from({ length: 4 }, () => ({ status })));
      const stories = {
        ...nets.stories,
        apply: async () => ({ kind: 'store-away', cause: 'killed' }) as const,
      };
      expect(await dispatchJob(message, { ...options, stories })).toBe('failed');
      const letter = await letterOf(storyId);
      expect(letter?.attributes).toMatchObject({ storyId });
      const kept = { data: message.data, attributes: letter?.attributes ?? {} };
      await failDeadLetter(kept, { ...nets.same, stories: nets.stories });
      const story = await nets.story(storyId);
      expect(story).toMatchObject({ audioStatus: 'failed', audioErrorRetryable: retryable });
      expect(Object.hasOwn(story, 'audioRetryAt')).toBe(retryable);
    },
  );

  it('does not send it twice when RunPod’s id cannot be kept', async () => {
    const { message } = await queuedJob();
    const stories = {
      ...nets.stories,
      recordRunpodJob: async () => ({ kind: 'store-away', cause: 'x' }) as const,
    };
    expect(await dispatchJob(message, { ...options, stories })).toBe('sent');
    expect(api.calls.map(({ path }) => path)).toEqual(['/v2/ep/run']);
  });
});

describe('jobs of one user at RunPod', () => {
  it('are few at once: the others wait, keep their lease, and delay no other user', async () => {
    const turns = { timeoutMs: 120_000, mostJobs: 2, leaseMs: 3_600_000, now: Date.now };
    const dealt = { ...options, takeTurn: createRunpodTurns(nets.firestore, turns) };
    const [first, second, third] = [await queuedJob('a/b'), await queuedJob('a/b'), await queuedJob('a/b')];
    for (const { message } of [first, second]) expect(await dispatchJob(message, dealt)).toBe('sent');
    const leaseOf = async (): Promise<number> =>
      ((await nets.story(third.storyId))['audioLeaseExpiresAt'] as Timestamp).toMillis();
    const before = await leaseOf();
    for (let delivery = 0; delivery < 2; delivery += 1)
      await expect(dispatchJob(third.message, dealt)).rejects.toThrow(/waits for its turn/);
    expect(await leaseOf()).toBeGreaterThan(before + 1_000_000);
    const other = await queuedJob('quiet');
    expect(await dispatchJob(other.message, dealt)).toBe('sent');
    await nets.firestore.doc(`stories/${first.storyId}`).update({ audioStatus: 'ready' });
    expect(await dispatchJob(third.message, dealt)).toBe('sent');
    expect(api.calls).toHaveLength(4);
    const away = { ...dealt, takeTurn: async () => ({ kind: 'store-away', cause: 'gone' }) as const };
    await expect(dispatchJob((await queuedJob('quiet')).message, away)).rejects.toThrow(/gone/);
  });
});

describe('a callback to the address that RunPod was given', () => {
  it('is about the attempt of that address, whatever id the handler names, and only when it is ours', async () => {
    const { storyId, jobId, message } = await queuedJob();
    await dispatchJob(message, options);
    const [call] = api.calls as {
      readonly body: { readonly input: { readonly metadata: { readonly callback_url: string } } };
    }[];
    const metadata = call?.body.input.metadata ?? { callback_url: '' };
    const changes = { audioJobId: 'newer', audioAttempt: 2, audioContentHash: 'other' };
    await nets.firestore.doc(`stories/${storyId}`).update(changes);
    await nets.firestore.doc(`stories/${storyId}/audioAttempts/newer`).set({ number: 2, status: 'pending' });
    const receiver = createReceiver({
      ...nets.same,
      stories: nets.stories,
      signatures: 'off',
      secrets: { standard: [], hmac: [SECRET] },
      hmacHeaderPrefix: 'taleback',
    });
    const server = createServer(nodeEdge(receiver));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const post = async (address: string): Promise<number> => {
      const { pathname, search } = new URL(address);
      const { port } = server.address() as AddressInfo;
      const body = JSON.stringify({ story_id: storyId, storage_path: 'p/x.mp3', metadata });
      const headers = { 'content-type': 'application/json' };
      const url = `http://127.0.0.1:${port}${pathname}${search}`;
      return (await fetch(url, { method: 'POST', headers, body })).status;
    };
    expect(await post(metadata.callback_url.replace(/token=..../, 'token=AAAA'))).toBe(401);
    expect(await post(metadata.callback_url)).toBe(200);
    server.close();
    expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'pending', audioJobId: 'newer' });
    expect(await nets.attempt(storyId, jobId)).toMatchObject({
      status: 'ready',
      audioStoragePath: 'p/x.mp3',
    });
    expect(JSON.stringify(await nets.attempt(storyId, jobId))).not.toMatch(/token=(?!redacted)/);
  });
});

const tell = (message: QueuedMessage) => failDeadLetter(message, { ...nets.same, stories: nets.stories });

describe('failDeadLetter', () => {
  it('fails the story of a job that Pub/Sub gave up delivering', async () => {
    const { storyId, jobId, message } = await queuedJob();
    const attributes = { CloudPubSubDeadLetterSourceDeliveryCount: '5' };
    expect(await tell({ ...message, attributes })).toBe('failed-story');
    expect(await nets.story(storyId)).toMatchObject({
      audioStatus: 'failed',
      audioErrorCode: 'worker_lost',
      audioErrorRetryable: true,
      audioErrorDetails: 'dead letter: given up after 5 tries',
    });
    expect(await nets.attempt(storyId, jobId)).toMatchObject({
      transitions: { failed: { source: 'dead-letter' } },
    });
  });

  it('fails the story of a job that no worker could read, by its attributes', async () => {
    const { storyId, jobId } = await queuedJob();
    const attributes = { storyId, jobId, reason: 'not JSON', code: 'request_invalid' };
    expect(await tell({ data: Buffer.from('{'), attributes })).toBe('failed-story');
    expect(await nets.story(storyId)).toMatchObject({
      audioStatus: 'failed',
      audioErrorCode: 'request_invalid',
      audioErrorRetryable: true,
    });
  });

  it('changes nothing on a story that went on', async () => {
    const { storyId, message } = await queuedJob();
    await nets.firestore.doc(`stories/${storyId}`).update({ audioJobId: 'newer' });
    const before = await nets.story(storyId);
    expect(await tell(message)).toBe('failed-story');
    expect(await nets.story(storyId)).toEqual(before);
  });

  it.each([
    ['names nobody', '{}', {}],
    ['is not JSON', '\xff', {}],
    ['names what cannot be', '{"id":"a/b"}', { storyId: '..' }],
    ['names a story that is gone', '{}', { storyId: 'gone', jobId: 'j' }],
  ])('lets go of a letter that %s', async (_what, data, attributes) => {
    expect(await tell({ data: Buffer.from(data), attributes })).toBe('no-story');
  });

  it('asks for the letter again when the story cannot be updated', async () => {
    const { message } = await queuedJob();
    const stories = { ...nets.stories, apply: async () => ({ kind: 'store-away', cause: 'x' }) as const };
    await expect(failDeadLetter(message, { ...nets.same, stories })).rejects.toThrow(
      /the story could not be written/,
    );
  });
});
