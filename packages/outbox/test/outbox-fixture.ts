import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFakeClock, type FakeClock } from '@taleback/resilience/testing';
import {
  callbackSubstitute,
  type Delivery,
  formatDeadLetter,
  Outbox,
  type OutboxMessage,
  OutboxStore,
  type Sendable,
  type TryOutcome,
} from '../src/index.ts';

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
export const URL_A = 'https://a.example/api/tts/callback';
/** A disk that flushes at once. */
const ROOT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export const payloadOf = (storyId: string, jobId: string) => ({
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
});

export const messageOf = (
  storyId: string,
  jobId: string,
  more: Partial<OutboxMessage> = {},
): OutboxMessage => ({
  url: URL_A,
  messageId: `ready_${jobId}`,
  body: JSON.stringify(payloadOf(storyId, jobId)),
  lane: `job ${jobId}`,
  ...more,
});

export const withSubstitute = (storyId: string, jobId: string): OutboxMessage =>
  messageOf(storyId, jobId, {
    substitute: {
      url: 'https://a.example/api/tts/error-callback',
      messageId: `failed_${jobId}`,
      body: JSON.stringify({
        story_id: storyId,
        error: 'not accepted',
        error_details: null,
        user_id: null,
        voice_id: null,
        job_id: jobId,
        metadata: {},
      }),
    },
  });

type Operation = 'insert' | 'read' | 'remove' | 'copyAside' | 'names';

export interface Fixture {
  readonly clock: FakeClock;
  readonly folder: string;
  /** The store of the outbox that was opened last. */
  readonly store: OutboxStore;
  /** Message ids in the order they were sent, with the time since the start, ms. */
  readonly sent: { readonly id: string; readonly atMs: number; readonly body: Record<string, unknown> }[];
  /** What was kept in the store, by key. */
  readonly kept: Map<string, Record<string, unknown>>;
  readonly logged: string[];
  /** Decides how attempts end from now on; it may take its time. */
  answer: (message: Sendable, count: number) => TryOutcome | Promise<TryOutcome>;
  /** Set: the store throws it. */
  storeFault: Error | undefined;
  /** Makes an operation of the store fail from now on, or work again. `open` fails before the first one works. */
  readonly breaks: (operation: Operation | 'open', error: Error | undefined) => void;
  /** A new life of the process, on the same folder. @param nowMs what its clock says, default as before */
  readonly open: (nowMs?: number) => Promise<Outbox>;
  /** Puts a message and gives how its first attempt ended. */
  readonly put: (outbox: Outbox, message: OutboxMessage) => Promise<Delivery>;
  readonly ids: () => string[];
  /** Messages on the disk. */
  readonly waiting: () => number;
  /** Reasons in `set-aside/`. */
  readonly aside: () => string[];
  readonly dispose: () => void;
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

/** Outboxes over one folder, a clock that is moved by hand, and a receiver that answers as a test says. */
export const createFixture = (): Fixture => {
  let clock = createFakeClock(NOW_MS);
  let store: OutboxStore;
  const folder = mkdtempSync(join(ROOT, 'taleback-outbox-unit-'));
  const broken = new Map<Operation | 'open', Error>();
  const applyBreaks = (): void => {
    for (const operation of ['insert', 'read', 'remove', 'copyAside', 'names'] as const) {
      const error = broken.get(operation);
      if (error === undefined) Reflect.deleteProperty(store, operation);
      else
        Object.assign(store, {
          [operation]: () => {
            throw error;
          },
        });
    }
    const fault = broken.get('open');
    if (fault === undefined) Reflect.deleteProperty(store.database, 'share');
    else
      Object.assign(store.database, {
        share: () => {
          throw fault;
        },
      });
  };
  const log = (severity: string, message: string): void =>
    void fixture.logged.push(`${severity}: ${message}`);
  const fixture: Fixture = {
    get clock() {
      return clock;
    },
    get store() {
      return store;
    },
    folder,
    sent: [],
    kept: new Map(),
    logged: [],
    answer: () => ok,
    storeFault: undefined,
    breaks: (operation, error) => {
      if (error === undefined) broken.delete(operation);
      else broken.set(operation, error);
      if (store !== undefined) applyBreaks();
    },
    open: async (nowMs) => {
      if (nowMs !== undefined) clock = createFakeClock(nowMs);
      store = new OutboxStore(folder, log);
      applyBreaks();
      const outbox = new Outbox({
        store,
        substituteFor: callbackSubstitute,
        keepDeadLetter: async (letter) => {
          if (fixture.storeFault !== undefined) throw fixture.storeFault;
          const { story_id: story } = JSON.parse(letter.message.body) as { story_id: string };
          const text = Buffer.from(formatDeadLetter(letter)).toString('utf8');
          fixture.kept.set(`${story}-${letter.createdMs}`, JSON.parse(text) as Record<string, unknown>);
        },
        send: async (message) => {
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
        log,
      });
      await outbox.open();
      await clock.settle();
      return outbox;
    },
    put: async (outbox, message) => (await outbox.put(message)).firstTry,
    ids: () => fixture.sent.map(({ id }) => id),
    waiting: () => [...store.names(0)].length,
    aside: () => {
      const path = join(folder, 'set-aside');
      if (!existsSync(path)) return [];
      const files = readdirSync(path).filter((file) => file.endsWith('.reason.txt'));
      return files.sort().map((file) => readFileSync(join(path, file), 'utf8').trim());
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
  return fixture;
};
