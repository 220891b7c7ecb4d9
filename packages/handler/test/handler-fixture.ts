import { DEFAULT_STORY_LIMITS, type StoryLimits, TalebackError } from '@taleback/core';
import { createCallbackClient, type Post, type PostAnswer } from '@taleback/outbox';
import { type AudioObject, createHandler, type HandlerOptions } from '../src/handle-job.ts';
import type { PreflightOptions } from '../src/preflight.ts';
import type { Narration } from '../src/report.ts';

/** A recording of a voice; what it is does not matter to the handler. */
export interface TestRecording {
  readonly bytes: Uint8Array;
  readonly hash: string;
}
type Options = HandlerOptions<TestRecording>;
export type Narrate = Options['narrate'];
type Store = Options['store'];

export const ORIGIN = 'https://tales.example';
export const metadata = {
  story_id: 's1',
  user_id: 'u1',
  callback_url: `${ORIGIN}/api/tts/callback`,
  attempt: 2,
};
export const EVENT = {
  id: 'j1',
  input: { text: 'Once upon a time.', voice_id: 'slt', language: 'en', metadata },
};

export const narration: Narration = {
  bytes: new Uint8Array([1, 2, 3]),
  durationMs: 4_200,
  chunkCount: 1,
  voiceId: 'slt',
  engine: 'flite',
};

export const ok: PostAnswer = { status: 200, retryAfter: undefined, excerpt: '{"success":true}' };
export const answering =
  (status: number): Post =>
  () =>
    Promise.resolve({ ...ok, status, excerpt: `answer ${status}` });
export const unreachable: Post = () => Promise.reject(new Error('ECONNREFUSED'));

export interface Sent {
  readonly route: string;
  readonly json: Record<string, unknown>;
}

/** A handler that narrates, stores and posts as the options say; what it stores and posts is recorded. */
export const wire = (
  options: Partial<Pick<Options, 'narrate' | 'store' | 'diagnoses'>> & {
    readonly limits?: StoryLimits;
    readonly readRecording?: PreflightOptions<TestRecording>['readRecording'];
    readonly routes?: Readonly<Record<string, Post>>;
  } = {},
) => {
  const sent: Sent[] = [];
  const kept: AudioObject[] = [];
  const logged: string[] = [];
  let nowMs = 1_000_000;
  const post: Post = async (url, headers, body, signal) => {
    const route = new URL(url).pathname.replace('/api/tts/', '');
    sent.push({ route, json: JSON.parse(Buffer.from(body).toString('utf8')) as Record<string, unknown> });
    const reply = options.routes?.[route] ?? answering(200);
    return reply(url, headers, body, signal);
  };
  const store: Store = async (audio) => {
    kept.push(audio);
    return { key: audio.key, url: `https://cdn.example/${audio.key}`, sizeBytes: 3 };
  };
  const handle = createHandler<TestRecording>({
    narrate: () => Promise.resolve(narration),
    store,
    ...options,
    preflight: {
      limits: options.limits ?? DEFAULT_STORY_LIMITS,
      speedRange: { min: 0.5, max: 2 },
      spokenLength: (text) => text.length,
      readRecording: options.readRecording ?? (() => Promise.resolve(undefined)),
      requireEngine: () => {},
      freeBytes: () => Promise.resolve(undefined),
    },
    callbacks: createCallbackClient({
      post,
      secrets: [],
      retry: { maxAttempts: 2, backoff: { kind: 'exponential', initialMs: 1, maxMs: 1, jitter: 'none' } },
      log: () => {},
      now: () => nowMs,
    }),
    workerId: 'w1',
    log: (severity, message) => void logged.push(`${severity}: ${message}`),
    now: () => {
      nowMs += 1_000;
      return nowMs;
    },
    newId: () => 'new-id',
  });
  const controller = new AbortController();
  return {
    handle: (event: unknown) => handle(event, controller.signal),
    controller,
    sent,
    kept,
    logged,
    /** What was reported of the end; progress left out. */
    ends: () => sent.filter(({ route }) => route !== 'progress'),
  };
};

export const speakInHalves: Narrate = async (_, { onProgress }) => {
  for (const fraction of [0, 0.5, 1]) {
    onProgress(fraction);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return narration;
};

export const throwing =
  (cause: unknown): Narrate =>
  () =>
    Promise.reject(cause);
export const failingStore =
  (cause: unknown): Store =>
  () =>
    Promise.reject(cause);

export const everyRoute = (post: Post) => ({ progress: post, callback: post, 'error-callback': post });

export const unanswered: Post = (_url, _headers, _body, signal) =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

export const hanging =
  (started: () => void): Narrate =>
  (_, { signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new TalebackError('job_cancelled', 'cancelled')));
      started();
    });
