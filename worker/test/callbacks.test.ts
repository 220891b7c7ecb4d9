import type { ServerResponse } from 'node:http';
import { parseErrorCallback, parseProgress, parseSuccessCallback, TalebackError } from '@taleback/core';
import { verifyStandard } from '@taleback/core/signatures';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createProgressReporter } from '../../packages/handler/src/progress.ts';
import { errorMessage, messageIdOf } from '../../packages/handler/src/report.ts';
import {
  type CallbackClient,
  type CallbackClientOptions,
  createCallbackClient,
  createHttpPost,
  type HttpPost,
} from '@taleback/outbox';
import {
  openRecordingReceiver,
  type RecordingReceiver,
  type Reply,
} from '../../packages/outbox/test/recording-receiver.ts';

const KEYS = [Buffer.alloc(24, 1), Buffer.alloc(32, 2)];
const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
const MAX_ATTEMPTS = 4;

const ids = { storyId: 's1', jobId: 'j1', userId: 'u1', voiceId: 'slt' };
const subject = { ...ids, callbackUrl: undefined, metadata: {} };
type Subject = Parameters<typeof errorMessage>[1];
const payload = {
  story_id: 's1',
  user_id: 'u1',
  voice_id: 'slt',
  voice_name: null,
  audio_url: 'https://a.example/ü.mp3',
  storage_path: 'ü.mp3',
  language: 'en',
  job_id: 'j1',
  duration_ms: 1234.5,
  metadata: { title: 'Großmütterchen 🧶 \u2028', deep: [[1, null]] },
};

const opened: (RecordingReceiver | HttpPost)[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

interface Wired {
  readonly receiver: RecordingReceiver;
  readonly client: CallbackClient;
  readonly logged: string[];
}

const wire = async (
  replyTo?: (count: number) => Reply,
  options: Partial<CallbackClientOptions> & { readonly timeoutMs?: number } = {},
): Promise<Wired> => {
  const receiver = await openRecordingReceiver(
    replyTo === undefined ? undefined : (_, count) => replyTo(count),
  );
  const poster = createHttpPost({ allowPrivate: true, timeoutMs: options.timeoutMs });
  opened.push(receiver, poster);
  const logged: string[] = [];
  const client = createCallbackClient({
    post: poster.post,
    secrets: KEYS,
    retry: {
      maxAttempts: MAX_ATTEMPTS,
      backoff: { kind: 'exponential', initialMs: 1, maxMs: 1, jitter: 'none' },
    },
    log: (severity, message) => void logged.push(`${severity}: ${message}`),
    now: () => NOW_MS,
    ...options,
  });
  return { receiver, client, logged };
};

const notifySuccess = (client: CallbackClient, url: string, about: Subject, body: typeof payload) =>
  client.deliver({ url, messageId: messageIdOf(about, 'ready'), payload: body });
const notifyError = (client: CallbackClient, ...message: Parameters<typeof errorMessage>) =>
  client.deliver(errorMessage(...message));

const tell = ({ client, receiver }: Wired) => notifySuccess(client, receiver.callbackUrl, subject, payload);

const failOnce =
  (reply: Reply) =>
  (count: number): Reply =>
    count === 1 ? reply : { status: 200 };

describe('the callback client', () => {
  it('posts the payload, byte for byte, to the address it was given', async () => {
    const wired = await wire();
    expect(await notifySuccess(wired.client, `${wired.receiver.callbackUrl}?a=1`, subject, payload)).toEqual({
      kind: 'delivered',
      attempts: 1,
      excerpt: '{"success":true}',
    });
    const [sent] = wired.receiver.requests;
    expect([sent?.method, sent?.path]).toEqual(['POST', '/api/tts/callback?a=1']);
    expect(sent?.headers.get('content-type')).toBe('application/json');
    expect(sent?.headers.get('content-length')).toBe(String(sent?.body.byteLength));
    expect(sent?.body.equals(Buffer.from(JSON.stringify(payload)))).toBe(true);
    expect(parseSuccessCallback(sent?.json)).toMatchObject({ ok: true });
    expect(wired.logged).toEqual(['info: callback sent']);
  });

  describe('tries again', () => {
    it.each([
      [500, {}],
      [502, {}],
      [503, { 'retry-after': '0' }],
      [429, { 'retry-after': '0' }],
      [429, {}],
      [408, {}],
    ] as const)('after %i %o', async (status, headers) => {
      const wired = await wire(failOnce({ status, headers }));
      expect(await tell(wired)).toEqual({ kind: 'delivered', attempts: 2, excerpt: '{"success":true}' });
      expect(wired.receiver.requests).toHaveLength(2);
    });

    it('after a connection that was reset', async () => {
      const wired = await wire(failOnce((incoming) => incoming.socket.resetAndDestroy()));
      expect(await tell(wired)).toEqual({ kind: 'delivered', attempts: 2, excerpt: '{"success":true}' });
    });

    it('after an answer that broke off', async () => {
      const wired = await wire(
        failOnce((_, outgoing) => {
          outgoing.writeHead(200, { 'content-length': '100' });
          outgoing.write('{', () => outgoing.destroy());
        }),
      );
      expect(await tell(wired)).toEqual({ kind: 'delivered', attempts: 2, excerpt: '{"success":true}' });
    });

    it.each([
      ['that never came', () => {}],
      ['that never ended', (_: unknown, outgoing: ServerResponse) => void outgoing.writeHead(200).write('{')],
    ])('after an answer %s in time', async (_, reply) => {
      const wired = await wire(failOnce(reply), { timeoutMs: 1_000 });
      expect(await tell(wired)).toEqual({ kind: 'delivered', attempts: 2, excerpt: '{"success":true}' });
    });

    it('until the tries are spent', async () => {
      const wired = await wire(() => ({ status: 500, text: 'no'.repeat(1000) }));
      expect(await tell(wired)).toEqual({
        kind: 'undeliverable',
        attempts: MAX_ATTEMPTS,
        cause: `answered 500: ${'no'.repeat(150)}`,
      });
      expect(wired.receiver.requests).toHaveLength(MAX_ATTEMPTS);
      expect(wired.logged).toEqual(['error: callback failed']);
    });

    it('until the tries are spent when no one listens', async () => {
      const wired = await wire();
      await wired.receiver.close();
      opened.splice(opened.indexOf(wired.receiver), 1);
      expect(await tell(wired)).toMatchObject({ kind: 'undeliverable', attempts: MAX_ATTEMPTS });
    });
  });

  describe('waits as long as Retry-After says', () => {
    it('in seconds', async () => {
      const wired = await wire(failOnce({ status: 503, headers: { 'retry-after': '1' } }));
      const startedAt = performance.now();
      expect(await tell(wired)).toEqual({ kind: 'delivered', attempts: 2, excerpt: '{"success":true}' });
      expect(performance.now() - startedAt).toBeGreaterThan(990);
    });

    it('until a date that is past', async () => {
      const headers = { 'retry-after': new Date(NOW_MS).toUTCString() };
      expect(await tell(await wire(failOnce({ status: 503, headers })))).toMatchObject({ attempts: 2 });
    });

    it.each(['86400', new Date(NOW_MS + 86_400_000).toUTCString()])(
      'but gives up rather than wait a day: %s',
      async (retryAfter) => {
        const wired = await wire(() => ({ status: 503, headers: { 'retry-after': retryAfter } }));
        expect(await tell(wired)).toMatchObject({ kind: 'undeliverable', attempts: 1 });
      },
    );
  });

  it.each([400, 401, 403, 404, 405, 413, 415, 422, 501])('takes %i for an answer', async (status) => {
    const wired = await wire(() => ({ status, text: 'why' }));
    expect(await tell(wired)).toEqual({ kind: 'refused', status, excerpt: 'why' });
    expect(wired.receiver.requests).toHaveLength(1);
    expect(wired.logged).toEqual(['error: callback failed']);
  });

  it.each([301, 302, 303, 307, 308])('does not follow a %i, which no signature covers', async (status) => {
    const elsewhere = await openRecordingReceiver();
    opened.push(elsewhere);
    const wired = await wire(() => ({ status, headers: { location: elsewhere.callbackUrl } }));
    expect(await tell(wired)).toMatchObject({ kind: 'refused', status });
    expect([wired.receiver.requests.length, elsewhere.requests.length]).toEqual([1, 0]);
  });

  it('signs every try again, with every key, under one message id', async () => {
    let nowMs = NOW_MS;
    const wired = await wire(() => ({ status: 500 }), {
      now: () => {
        nowMs += 60_000;
        return nowMs;
      },
    });
    await tell(wired);
    const stamps = wired.receiver.requests.map(({ headers }) => Number(headers.get('webhook-timestamp')));
    expect(new Set(stamps).size).toBe(MAX_ATTEMPTS);
    wired.receiver.requests.forEach(({ headers, body }, index) => {
      const atMs = (stamps[index] ?? 0) * 1000;
      for (const key of KEYS) {
        expect(verifyStandard(headers, body, [key], atMs)).toEqual({
          ok: true,
          scheme: 'standard-webhooks',
          messageId: 'ready_j1',
          key: expect.any(String),
        });
      }
      expect(verifyStandard(headers, body, [Buffer.alloc(24, 9)], atMs)).toMatchObject({ ok: false });
      expect(verifyStandard(headers, Buffer.concat([body, Buffer.from(' ')]), KEYS, atMs)).toMatchObject({
        ok: false,
      });
    });
  });

  it('sends unsigned when there is no key', async () => {
    const wired = await wire(undefined, { secrets: [] });
    await tell(wired);
    const names = [...(wired.receiver.requests[0]?.headers.keys() ?? [])];
    expect(names.filter((name) => name.startsWith('webhook-'))).toEqual([]);
  });

  it.each(['v1.2.3', 'история', 'a\r\nx-evil: 1', '🧶'.repeat(100), 'a\ud800'])(
    'signs for the job %j, whatever its letters',
    async (jobId) => {
      const wired = await wire();
      const delivery = await notifySuccess(
        wired.client,
        wired.receiver.callbackUrl,
        { ...subject, jobId },
        payload,
      );
      expect(delivery).toEqual({ kind: 'delivered', attempts: 1, excerpt: '{"success":true}' });
      const [sent] = wired.receiver.requests;
      expect(sent?.headers.get('webhook-id')).toMatch(/^ready_[^.]+$/);
      expect(sent && verifyStandard(sent.headers, sent.body, KEYS, NOW_MS)).toMatchObject({ ok: true });
      expect(sent?.headers.has('x-evil')).toBe(false);
    },
  );

  it('stops at once when its signal aborts', async () => {
    const controller = new AbortController();
    const wired = await wire(() => () => controller.abort(new Error('over')));
    const message = { url: wired.receiver.callbackUrl, messageId: 'm', payload };
    expect(await wired.client.deliver(message, controller.signal)).toEqual({
      kind: 'undeliverable',
      attempts: 1,
      cause: 'over',
    });
  });

  it('sends once what the next news makes old', async () => {
    const wired = await wire(() => ({ status: 500 }));
    const message = { url: wired.receiver.callbackUrl, messageId: 'm', payload };
    expect(await wired.client.deliverOnce(message)).toMatchObject({ kind: 'undeliverable', attempts: 1 });
    expect(wired.logged).toEqual([]);
  });

  it.each(['', 'nonsense', '/api/tts/callback', 'ftp://a.example/callback', 'javascript:1', 'http://'])(
    'wastes no try on the address %j',
    async (url) => {
      const { client, logged } = await wire();
      expect(await notifySuccess(client, url, subject, payload)).toMatchObject({
        kind: 'undeliverable',
        attempts: 0,
        cause: expect.stringContaining('callback_url'),
      });
      expect(logged).toEqual(['error: callback failed']);
    },
  );
});

describe('an error callback', () => {
  const report = { code: 'gpu_out_of_memory', message: 'CUDA out of memory', retryable: true } as const;

  it('logs the derived address in the documented words', async () => {
    const { receiver, client } = await wire();
    const url = `${receiver.callbackUrl}?tenant=a`;
    const metadata = { language: 'en', text_length: 12 };
    expect(await notifyError(client, url, subject, { ...report, details: 'cuda:0' }, metadata)).toEqual({
      kind: 'delivered',
      attempts: 1,
      excerpt: '{"success":true}',
    });
    const [sent] = receiver.requests;
    expect(sent?.path).toBe('/api/tts/error-callback?tenant=a');
    expect(sent?.json).toEqual({
      story_id: 's1',
      error: 'CUDA out of memory',
      error_details: 'cuda:0',
      user_id: 'u1',
      voice_id: 'slt',
      job_id: 'j1',
      metadata: { ...metadata, error_type: 'gpu_out_of_memory', retryable: true },
    });
    expect(parseErrorCallback(sent?.json)).toMatchObject({ ok: true });
  });

  it('says null for what it does not know', async () => {
    const { receiver, client } = await wire();
    const nobody = {
      ...subject,
      storyId: undefined,
      jobId: undefined,
      userId: undefined,
      voiceId: undefined,
    };
    await notifyError(client, receiver.callbackUrl, nobody, report, {});
    expect(receiver.requests[0]?.json).toEqual({
      story_id: 'unknown',
      error: 'CUDA out of memory',
      error_details: null,
      user_id: null,
      voice_id: null,
      job_id: null,
      metadata: { error_type: 'gpu_out_of_memory', retryable: true },
    });
  });

  it.each(['', 'nonsense', 'mailto:a@b.example', 'http://[', 'file:///etc/passwd'])(
    'never throws: the address %j',
    async (url) => {
      const { client } = await wire();
      expect(await notifyError(client, url, subject, report, {})).toMatchObject({
        kind: 'undeliverable',
        attempts: 0,
      });
    },
  );

  it('never throws: metadata that is no JSON, a client that breaks', async () => {
    const post = vi.fn(() => Promise.reject(new TalebackError('internal', 'broken')));
    const { client, receiver } = await wire(undefined, { post });
    expect(await notifyError(client, receiver.callbackUrl, subject, report, { big: 1n })).toMatchObject({
      kind: 'undeliverable',
    });
    expect(post).not.toHaveBeenCalled();
    expect(await notifyError(client, receiver.callbackUrl, subject, report, {})).toEqual({
      kind: 'undeliverable',
      attempts: MAX_ATTEMPTS,
      cause: 'broken',
    });
  });
});

/** A receiver that holds every answer until it is told to give it. */
const gated = async () => {
  const held: (() => void)[] = [];
  let nowMs = NOW_MS;
  const wired = await wire(() => (_, outgoing) => void held.push(() => outgoing.end('{}')), {
    now: () => nowMs,
  });
  const reporter = createProgressReporter(
    wired.client,
    { ...subject, callbackUrl: wired.receiver.callbackUrl },
    () => nowMs,
  );
  return {
    ...wired,
    reporter,
    held,
    pass: (ms: number): void => {
      nowMs += ms;
    },
    release: (): void => held.shift()?.(),
    arrived: (count: number) =>
      vi.waitFor(() => expect(wired.receiver.requests).toHaveLength(count), {
        timeout: 120_000,
        interval: 5,
      }),
  };
};
const told = ({ receiver }: Wired): unknown[] =>
  receiver.requests.map(({ json }) => [json['stage'], json['progress']]);

describe('the progress reporter', () => {
  it('sends one at a time, and the newest of those that waited', async () => {
    const gate = await gated();
    gate.reporter.report('checking', 0);
    await gate.arrived(1);
    for (const progress of [0.1, 0.2, 0.3]) {
      gate.pass(1_000);
      gate.reporter.report('synthesizing', progress);
    }
    expect(gate.receiver.requests).toHaveLength(1);
    gate.release();
    await gate.arrived(2);
    expect(gate.held).toHaveLength(1);
    expect(told(gate)).toEqual([
      ['checking', 0],
      ['synthesizing', 0.3],
    ]);
    gate.release();
    await gate.reporter.close();
  });

  it('is signed and what the receiver reads, at the derived address', async () => {
    const gate = await gated();
    gate.reporter.report('checking', 0);
    await gate.arrived(1);
    const [sent] = gate.receiver.requests;
    expect(sent?.path).toBe('/api/tts/progress');
    expect(parseProgress(sent?.json)).toEqual({
      ok: true,
      value: { storyId: 's1', jobId: 'j1', stage: 'checking', progress: 0 },
    });
    expect(sent && verifyStandard(sent.headers, sent.body, KEYS, NOW_MS)).toMatchObject({ ok: true });
    gate.release();
    await gate.reporter.close();
  });

  it('reports one stage at most twice a second, but a new stage at once', async () => {
    const gate = await gated();
    gate.reporter.report('synthesizing', 0.1);
    await gate.arrived(1);
    gate.pass(499);
    gate.reporter.report('synthesizing', 0.2);
    gate.release();
    gate.reporter.report('storing', 0.9);
    await gate.arrived(2);
    expect(told(gate).at(-1)).toEqual(['storing', 0.9]);
    gate.release();
    await gate.reporter.close();
  });

  it('closes when the last report is answered, and sends nothing afterwards', async () => {
    const gate = await gated();
    gate.reporter.report('checking', 0);
    await gate.arrived(1);
    gate.pass(1_000);
    gate.reporter.report('synthesizing', 0.5);
    const events: string[] = [];
    const closing = gate.reporter.close().then(() => events.push('closed'));
    await fetch(`${(await wire()).receiver.url}/meanwhile`);
    expect(events).toEqual([]);
    gate.release();
    await closing;
    gate.pass(1_000);
    gate.reporter.report('storing', 0.9);
    await gate.reporter.close();
    expect(told(gate)).toEqual([['checking', 0]]);
  });

  it('lets nothing arrive after the end', async () => {
    const wired = await wire();
    for (let round = 0; round < 50; round += 1) {
      const reporter = createProgressReporter(
        wired.client,
        { ...subject, callbackUrl: wired.receiver.callbackUrl },
        Date.now,
      );
      reporter.report('checking', 0);
      reporter.report('synthesizing', 0.5);
      await reporter.close();
      await tell(wired);
    }
    const kinds = wired.receiver.requests.map(({ path }) => path.split('/').at(-1));
    expect(kinds).toEqual(
      Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? 'progress' : 'callback')),
    );
  });

  it('does not wait for a receiver that never answers', async () => {
    const gate = await gated();
    gate.reporter.report('checking', 0);
    await gate.arrived(1);
    const startedAt = performance.now();
    await gate.reporter.close();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('goes on after a report that was lost', async () => {
    const replies: Reply[] = [
      (incoming) => incoming.socket.resetAndDestroy(),
      { status: 500 },
      { status: 404 },
    ];
    const wired = await wire((count) => replies[count - 1] ?? { status: 200 });
    const reporter = createProgressReporter(
      wired.client,
      { ...subject, callbackUrl: wired.receiver.callbackUrl },
      Date.now,
    );
    for (const [index, stage] of ['one', 'two', 'three', 'four'].entries()) {
      reporter.report(stage, 0);
      await expect.poll(() => wired.receiver.requests.length, { interval: 5 }).toBe(index + 1);
    }
    expect(told(wired).map((pair) => (pair as unknown[])[0])).toEqual(['one', 'two', 'three', 'four']);
    await reporter.close();
  });
});
