import { createFakeClock, type FakeClock } from '@taleback/resilience/testing';
import type { CallbackMessage, Delivery, Sendable, TryOutcome } from './callbacks-index.ts';
import { createFakeOutboxFiles, type FakeOutboxFiles } from './fake-outbox-files.ts';
import { Outbox } from './outbox.ts';

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
export const URL_A = 'https://a.example/api/tts/callback';

export const messageOf = (
  storyId: string,
  jobId: string,
  more: Partial<CallbackMessage> = {},
): CallbackMessage => ({
  url: URL_A,
  messageId: `ready_${jobId}`,
  payload: {
    story_id: storyId,
    job_id: jobId,
    user_id: null,
    voice_id: null,
    voice_name: null,
    audio_url: `https://cdn.example/${jobId}.mp3`,
    storage_path: null,
    language: 'en',
    duration_ms: 1,
    metadata: {},
  },
  ...more,
});

export const withSubstitute = (storyId: string, jobId: string): CallbackMessage =>
  messageOf(storyId, jobId, {
    substitute: {
      url: 'https://a.example/api/tts/error-callback',
      messageId: `failed_${jobId}`,
      payload: {
        story_id: storyId,
        error: 'not accepted',
        error_details: null,
        user_id: null,
        voice_id: null,
        job_id: jobId,
        metadata: {},
      },
    },
  });

export interface Fixture {
  readonly clock: FakeClock;
  readonly files: FakeOutboxFiles;
  /** Message ids in the order they were sent, with the time since the start, ms. */
  readonly sent: { readonly id: string; readonly atMs: number; readonly body: Record<string, unknown> }[];
  /** What was kept in the store, by key. */
  readonly kept: Map<string, Record<string, unknown>>;
  readonly logged: string[];
  /** Decides how tries end from now on; it may take its time. */
  answer: (message: Sendable, count: number) => TryOutcome | Promise<TryOutcome>;
  /** Set: the store throws it. */
  storeFault: Error | undefined;
  /** A new life of the process, on the same folder. @param nowMs what its clock says, default as before */
  readonly open: (nowMs?: number) => Promise<Outbox>;
  /** Puts a message and gives how its first try ended. */
  readonly put: (outbox: Outbox, message: CallbackMessage) => Promise<Delivery>;
  readonly ids: () => string[];
}

export const ok: TryOutcome = { kind: 'accepted' };
/** Our receiver's words. */
export const REFUSAL = '{"success":false,"error":"why"}';

export const answered = (status: number, retryAfter?: string, excerpt = REFUSAL): TryOutcome => ({
  kind: 'not-accepted',
  status,
  retryAfter,
  excerpt,
});

/** Outboxes over a folder in memory, a clock that is moved by hand, and a receiver that does as it is told. */
export const createFixture = (): Fixture => {
  let clock = createFakeClock(NOW_MS);
  const files = createFakeOutboxFiles();
  let ids = 0;
  const fixture: Fixture = {
    get clock() {
      return clock;
    },
    files,
    sent: [],
    kept: new Map(),
    logged: [],
    answer: () => ok,
    storeFault: undefined,
    open: async (nowMs) => {
      if (nowMs !== undefined) clock = createFakeClock(nowMs);
      const outbox = new Outbox({
        files,
        lock: { acquire: () => Promise.resolve(true), nudge: () => {}, close: () => Promise.resolve() },
        records: {
          keep: async (key, bytes) => {
            if (fixture.storeFault !== undefined) throw fixture.storeFault;
            fixture.kept.set(key, JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>);
          },
        },
        sendOnce: async (message) => {
          const body = JSON.parse(Buffer.from(message.body).toString('utf8')) as Record<string, unknown>;
          fixture.sent.push({ id: message.messageId, atMs: clock.now() - NOW_MS, body });
          return fixture.answer(message, fixture.sent.length);
        },
        policy: {
          backoff: { kind: 'exponential', initialMs: 1_000, maxMs: 300_000, jitter: 'none' },
          deadlineMs: 86_400_000,
          unauthorizedMs: 900_000,
        },
        clock,
        random: () => 0.5,
        newId: () => (ids += 1).toString(16).padStart(12, '0'),
        log: (severity, message) => void fixture.logged.push(`${severity}: ${message}`),
      });
      await outbox.open();
      await clock.settle();
      return outbox;
    },
    put: async (outbox, message) => (await outbox.put(message)).firstTry,
    ids: () => fixture.sent.map(({ id }) => id),
  };
  return fixture;
};
