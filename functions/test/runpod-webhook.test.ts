import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signJobToken } from '@taleback/core/signatures';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { nodeEdge } from '../src/http/edge.node.ts';
import { createReceiver, type ReceiverOptions } from '../src/http/router.ts';
import type { WebhookOptions } from '../src/runpod/webhook.ts';
import { clientOf, type Nets, openNets, SECRET } from './nets-harness.ts';
import { openRunpodApi, type RunpodApi } from './runpod-api.ts';

const SUCCESS = {
  status: 'success',
  audio_url: 'https://a.test/x.mp3',
  storage_path: 'p/x.mp3',
  duration_ms: 900,
};

let nets: Nets;
let api: RunpodApi;
const servers: Server[] = [];
beforeAll(async () => {
  [nets, api] = await Promise.all([openNets(), openRunpodApi()]);
});
afterAll(async () => {
  for (const server of servers) server.close().closeAllConnections();
  await Promise.all([nets.close(), api.close()]);
});
beforeEach(() => {
  api.script.length = 0;
  api.calls.length = 0;
});

/** A receiver with the webhook, on a real server. */
const serve = async (more: Partial<WebhookOptions> = {}): Promise<string> => {
  const webhook: WebhookOptions = {
    ...nets.same,
    stories: nets.stories,
    confirmWith: clientOf(api).client,
    secrets: ['older secret', SECRET],
    ...more,
  };
  const options: ReceiverOptions = {
    ...nets.same,
    stories: nets.stories,
    signatures: 'required',
    secrets: { standard: [], hmac: [SECRET] },
    hmacHeaderPrefix: 'taleback',
    webhook,
  };
  const server = createServer(nodeEdge(createReceiver(options)));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/tts/runpod-webhook`;
};

let next = 0;
/** A story whose job RunPod has, and how RunPod says it stands. */
const runningJob = async (report: Record<string, unknown>, knowsId = true) => {
  next += 1;
  const [jobId, runpodJobId] = [`job-${next}`, `rp-job-${next}`];
  const storyId = await nets.newStory({
    audioStatus: 'pending',
    audioJobId: jobId,
    audioAttempt: 1,
    audioLeaseExpiresAt: new Date(Date.now() + 60_000),
  });
  await nets.firestore
    .doc(`stories/${storyId}/audioAttempts/${jobId}`)
    .set({ jobId, status: 'pending', ...(knowsId ? { runpodJobId } : {}) });
  const body = { id: runpodJobId, delayTime: 4_736, executionTime: 157, input: { text: 'x' }, ...report };
  api.jobs.set(runpodJobId, body);
  return { storyId, jobId, runpodJobId, body };
};

const addressOf = (url: string, storyId: string, jobId: string, token?: string): string => {
  const query = { story: storyId, job: jobId, token: token ?? signJobToken(SECRET, storyId, jobId) };
  return `${url}?${new URLSearchParams(query).toString()}`;
};

const post = async (address: string, body: unknown) => {
  const raw = typeof body === 'string' ? body : JSON.stringify(body);
  // RunPod promises no content type.
  const answer = await fetch(address, { method: 'POST', body: raw });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
};

describe("RunPod's own webhook", () => {
  it('makes the story ready once RunPod confirms it', async () => {
    const url = await serve();
    const { storyId, jobId, body } = await runningJob({ status: 'COMPLETED', output: SUCCESS });
    expect(await post(addressOf(url, storyId, jobId), body)).toMatchObject({
      status: 200,
      body: { success: true },
    });
    expect(await nets.story(storyId)).toMatchObject({
      audioStatus: 'ready',
      audioUrl: SUCCESS.audio_url,
      audioStoragePath: SUCCESS.storage_path,
      audioDurationMs: 900,
    });
    expect(await nets.attempt(storyId, jobId)).toMatchObject({
      status: 'ready',
      transitions: { ready: { source: 'runpod-webhook' } },
    });
    expect(api.calls.map(({ path }) => path)).toEqual([`/v2/ep/status/${body.id}`]);
  });

  it.each([
    ['COMPLETED without output', { status: 'COMPLETED' }, 'audio_missing'],
    [
      'COMPLETED with an error',
      { status: 'COMPLETED', output: { status: 'error', error: 'Voice profile not found' } },
      'voice_profile_missing',
    ],
    [
      'FAILED',
      {
        status: 'FAILED',
        error: JSON.stringify({
          error_type: 'x',
          error_message: 'CUDA out of memory',
          error_traceback: 'Traceback (most recent call last):\n  File "/app/x.py"',
        }),
      },
      'gpu_out_of_memory',
    ],
    ['CANCELLED', { status: 'CANCELLED' }, 'job_cancelled'],
    ['TIMED_OUT', { status: 'TIMED_OUT' }, 'timed_out'],
  ])('fails the story with %s', async (_what, report, code) => {
    const { storyId, jobId, body } = await runningJob(report);
    expect((await post(addressOf(await serve(), storyId, jobId), body)).status).toBe(200);
    const story = await nets.story(storyId);
    expect(story).toMatchObject({ audioStatus: 'failed', audioErrorCode: code });
    expect(String(story['audioError'])).not.toMatch(/Traceback|app\/x/);
  });

  it.each(['IN_QUEUE', 'IN_PROGRESS'])('changes nothing while the job is %s', async (status) => {
    const { storyId, jobId, body } = await runningJob({ status });
    const before = await nets.story(storyId);
    expect((await post(addressOf(await serve(), storyId, jobId), body)).status).toBe(200);
    expect(await nets.story(storyId)).toEqual(before);
    expect(api.calls).toEqual([]);
  });

  it('is one change however often it comes, and none after the callback', async () => {
    const url = await serve();
    const { storyId, jobId, body } = await runningJob({ status: 'COMPLETED', output: SUCCESS });
    const address = addressOf(url, storyId, jobId);
    await nets.firestore
      .doc(`stories/${storyId}`)
      .update({ audioStatus: 'ready', audioUrl: 'https://first.test' });
    await nets.firestore.doc(`stories/${storyId}/audioAttempts/${jobId}`).update({ status: 'ready' });
    const before = await nets.story(storyId);
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(address, body)));
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200));
    expect(await nets.story(storyId)).toEqual(before);
    expect(api.calls).toEqual([]);
  });

  it.each([
    ['without a token', (storyId: string, jobId: string) => ({ story: storyId, job: jobId })],
    [
      'with a token of another job',
      (storyId: string, jobId: string) => ({
        story: storyId,
        job: jobId,
        token: signJobToken(SECRET, storyId, 'other'),
      }),
    ],
    [
      'of another story',
      (_: string, jobId: string) => ({
        story: 'other',
        job: jobId,
        token: signJobToken(SECRET, 'one', jobId),
      }),
    ],
    [
      'without a story',
      (_: string, jobId: string) => ({ job: jobId, token: signJobToken(SECRET, '', jobId) }),
    ],
    [
      'with a story that cannot be',
      (_: string, jobId: string) => ({ story: 'a/b', job: jobId, token: signJobToken(SECRET, 'a/b', jobId) }),
    ],
  ])('is refused %s, with no information and nothing read', async (_what, query) => {
    const { storyId, jobId, body } = await runningJob({ status: 'COMPLETED', output: SUCCESS });
    const address = `${await serve()}?${new URLSearchParams(query(storyId, jobId)).toString()}`;
    const answer = await post(address, body);
    expect(answer).toMatchObject({
      status: 401,
      body: { success: false, error: 'signature: missing or not valid' },
    });
    expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'pending' });
    expect(api.calls).toEqual([]);
  });

  it.each([
    ['does not know the job', { status: 404 }],
    ['refuses the key', { status: 401 }],
    ['answers nonsense', { status: 200, body: ['?'] }],
    ['says the job is still running', { status: 200, body: { id: 'rp', status: 'IN_PROGRESS' } }],
    ['speaks of another job', { status: 200, body: { id: 'other', status: 'COMPLETED', output: SUCCESS } }],
  ])('is asked for again when RunPod %s', async (_what, answer) => {
    const { storyId, jobId, body } = await runningJob({ status: 'COMPLETED', output: SUCCESS });
    api.script.push(answer);
    const answered = await post(addressOf(await serve(), storyId, jobId), body);
    expect([answered.status, answered.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'pending' });
    expect((await post(addressOf(await serve(), storyId, jobId), body)).status).toBe(200);
    expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'ready' });
  });

  it("shows no one the audio of another user's folder", async () => {
    const url = await serve();
    const output = { ...SUCCESS, storage_path: 'private/users/somebody-else/stories/audio/en/s/j.mp3' };
    const { storyId, jobId, body } = await runningJob({ status: 'COMPLETED', output });
    const before = await nets.story(storyId);
    expect((await post(addressOf(url, storyId, jobId), body)).status).toBe(200);
    expect(await nets.story(storyId)).toEqual(before);
  });

  it('believes RunPod, not the body', async () => {
    const { storyId, jobId, body } = await runningJob({ status: 'FAILED', error: 'disk full' });
    const forged = { ...body, status: 'COMPLETED', output: SUCCESS, error: undefined };
    expect((await post(addressOf(await serve(), storyId, jobId), forged)).status).toBe(200);
    expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'failed', audioErrorCode: 'disk_full' });
  });

  it('believes the body where that is configured', async () => {
    const { storyId, jobId, body } = await runningJob({ status: 'COMPLETED', output: SUCCESS });
    const url = await serve({ confirmWith: undefined });
    expect((await post(addressOf(url, storyId, jobId), body)).status).toBe(200);
    expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'ready' });
    expect(api.calls).toEqual([]);
  });

  it('changes nothing when it names another job of RunPod than the attempt has', async () => {
    const { storyId, jobId, body } = await runningJob({ status: 'COMPLETED', output: SUCCESS });
    const other = await runningJob({ status: 'COMPLETED', output: SUCCESS });
    const answer = await post(addressOf(await serve(), storyId, jobId), { ...body, id: other.runpodJobId });
    expect(answer.status).toBe(200);
    expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'pending' });
  });

  it('is believed for an attempt whose id at RunPod was lost', async () => {
    const { storyId, jobId, body } = await runningJob({ status: 'COMPLETED', output: SUCCESS }, false);
    expect((await post(addressOf(await serve(), storyId, jobId), body)).status).toBe(200);
    expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'ready' });
  });

  it('is recorded on the attempt of its address, and leaves a newer one alone', async () => {
    const { storyId, jobId, body } = await runningJob({ status: 'FAILED', error: 'disk full' });
    await nets.firestore.doc(`stories/${storyId}`).update({ audioJobId: 'newer', audioAttempt: 2 });
    await nets.firestore.doc(`stories/${storyId}/audioAttempts/newer`).set({ number: 2, status: 'pending' });
    const before = await nets.story(storyId);
    expect((await post(addressOf(await serve(), storyId, jobId), body)).status).toBe(200);
    expect(await nets.story(storyId)).toEqual(before);
    expect(await nets.attempt(storyId, jobId)).toMatchObject({
      status: 'failed',
      error: { code: 'disk_full' },
    });
  });

  it.each([
    ['an empty body', '', 400],
    ['no JSON', '{', 400],
    ['a list', '[]', 422],
    ['an unknown state', '{"id":"rp","status":"SLEEPING"}', 422],
    ['a body over twelve megabytes', 'x'.repeat(12_000_001), 413],
  ])('refuses %s', async (_what, body, status) => {
    const { storyId, jobId } = await runningJob({ status: 'COMPLETED' });
    expect((await post(addressOf(await serve(), storyId, jobId), body)).status).toBe(status);
  });

  it('takes a body that repeats the longest story and its recording', async () => {
    const { storyId, jobId, body } = await runningJob({ status: 'COMPLETED', output: SUCCESS });
    const long = {
      ...body,
      input: { text: '\u4e00'.repeat(200_000), profile_base64: 'A'.repeat(4_000_000) },
    };
    expect((await post(addressOf(await serve(), storyId, jobId), long)).status).toBe(200);
  });

  it('says which story is not there', async () => {
    const answer = await post(addressOf(await serve(), 'nobody', 'j'), { id: 'rp', status: 'FAILED' });
    expect(answer.status).toBe(404);
  });

  it.each([
    [
      'reading',
      (harness: Nets) => ({
        stories: { ...harness.stories, readJob: async () => ({ kind: 'store-away', cause: 'x' }) as const },
      }),
    ],
    [
      'writing',
      (harness: Nets) => ({
        stories: { ...harness.stories, apply: async () => ({ kind: 'store-away', cause: 'x' }) as const },
      }),
    ],
  ])('is asked for again while Firestore is away from %s', async (_what, away) => {
    const { storyId, jobId, body } = await runningJob({ status: 'COMPLETED', output: SUCCESS });
    expect((await post(addressOf(await serve(away(nets)), storyId, jobId), body)).status).toBe(503);
  });

  it('is not served where nothing is known of RunPod', async () => {
    const receiver = createReceiver({
      ...nets.same,
      stories: nets.stories,
      signatures: 'off',
      secrets: { standard: [], hmac: [] },
      hmacHeaderPrefix: 'taleback',
    });
    const path = '/api/tts/runpod-webhook';
    const request = { method: 'POST', path, search: '', headers: new Headers(), body: Buffer.from('{}') };
    expect((await receiver(request)).status).toBe(404);
  });

  it('has Allow for other methods', async () => {
    const answer = await fetch(await serve());
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });
});
