import { setTimeout as sleep } from 'node:timers/promises';
import { createNames } from '@taleback/core';
import { signHmac, signStandard } from '@taleback/core/signatures';
import { commitOf } from '@taleback/functions/test/rules/hostile-calls.ts';
import { nameOf, restAs } from '@taleback/functions/test/rules/rest-client.ts';
import { narrateInTheField } from '../chaos/handler-in-the-field.ts';
import type { Random } from '../chaos/random.ts';
import { type Tale, tellTales } from '../chaos/tales.ts';
import type { System } from './system.ts';

const { collections, functions } = createNames();

/** A story of an honest user, and how it has to be found at the end. */
export interface HonestStory {
  readonly id: string;
  readonly userId: string;
  readonly title: string;
  readonly text: string;
  readonly end: 'ready' | 'failed';
  /** Opened by us. A handler in the field opens none. */
  readonly attempts: number;
}

/** From a request to its end. */
export interface Latency {
  readonly way: string;
  readonly ms: number;
}

export interface HonestReport {
  readonly stories: readonly HonestStory[];
  readonly latencies: readonly Latency[];
  /** What went wrong, a sentence each. */
  readonly faults: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** A story that takes longer is given up. */
const LOST_AFTER_MS = 60_000;
const PAUSE_MS = [500, 2_500] as const;
/** So that no day's budget is used up. */
const STORIES_PER_USER = 8;
const TALES = tellTales(5_000);

/** What an honest caller does about 503, or no answer: it repeats. Everything else but 200 is a fault. */
const persist = async (what: string, send: () => Promise<{ readonly status: number }>): Promise<void> => {
  const deadline = Date.now() + LOST_AFTER_MS;
  for (;;) {
    const { status } = await send().catch(() => ({ status: 503 }));
    if (status === 200) return;
    if (status !== 503 || Date.now() > deadline) throw new Error(`${what} was answered ${status}`);
    await sleep(500);
  }
};

const text = (stringValue: string): object => ({ stringValue });

const until =
  (status: 'ready' | 'failed', more: Fields = {}) =>
  (story: Fields): boolean =>
    Object.entries({ audioStatus: status, ...more }).every(([name, value]) => story[name] === value);

/** Everything that one honest story may be. Each way returns what has to be found at the end. */
const waysOf = (system: System, random: Random, latencies: Latency[]) => {
  const { firestore, projectId, publicUrl, audioFolder } = system;
  const stories = firestore.collection(collections.stories);
  let next = 0;
  const tale = (): Tale => {
    next += 1;
    return TALES[next % TALES.length] as Tale;
  };

  const waitFor = (id: string, looksRight: (story: Fields) => boolean): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let last: Fields = {};
    const timer = setTimeout(
      () => reject(new Error(`story ${id} is still ${String(last['audioStatus'])}`)),
      LOST_AFTER_MS,
    );
    const stop = stories.doc(id).onSnapshot((snapshot) => {
      last = snapshot.data() ?? {};
      if (looksRight(last)) resolve();
    }, reject);
    return promise.finally(() => {
      clearTimeout(timer);
      stop();
    });
  };
  const timed = async (way: string, work: () => Promise<void>): Promise<void> => {
    const startedAt = performance.now();
    await work();
    latencies.push({ way, ms: Math.round(performance.now() - startedAt) });
  };
  const ask = (name: string, userId: string, storyId: string) =>
    persist(name, () => system.call(name, { storyId }, system.tokenFor(userId)));
  /** Writes a story down, as the page does. */
  const write = async (userId: string) => {
    const { title, text: words, laterText = `${words} And so it was.` } = tale();
    const { id } = stories.doc();
    const name = nameOf(system, `${collections.stories}/${id}`);
    const fields = { userId: text(userId), title: text(title), text: text(words) };
    const all = { ...fields, language: text('en'), storyType: text('user'), voiceId: text('slt') };
    const created = { fieldPath: 'createdAt', setToServerValue: 'REQUEST_TIME' };
    const { method, path, body } = commitOf(name, all, Object.keys(all), [created]);
    await persist('a new story', () => restAs({ projectId }, userId)(method, path, body));
    return { id, userId, title, text: words, laterText, name };
  };
  const narrated = async (userId: string) => {
    const story = await write(userId);
    await timed('requested', async () => {
      await ask(functions.request, userId, story.id);
      await waitFor(story.id, until('ready'));
    });
    return story;
  };
  /** A Python handler narrates a job that another app has given it. */
  const inTheField = async (userId: string, isSpoken: boolean) => {
    const story = await write(userId);
    const jobId = `field-${story.id}`;
    const spoken = isSpoken ? [[story.text, Buffer.from('audio')] as const] : [];
    await timed('in the field', async () => {
      await stories.doc(story.id).update({ audioStatus: 'pending' });
      const job = { storyId: story.id, userId, text: story.text, voiceId: 'ann', jobId, fileName: jobId };
      const options = { reference: new Map(spoken), audioFolder, random };
      await narrateInTheField({ ...job, callbackUrl: `${publicUrl}/api/tts/callback` }, options);
      await waitFor(story.id, until(isSpoken ? 'ready' : 'failed'));
    });
    return story;
  };
  const tryAgain = async (userId: string, id: string): Promise<void> =>
    timed('tried again', async () => {
      await ask(functions.retry, userId, id);
      await waitFor(id, until('ready'));
    });

  return [
    async (userId: string): Promise<HonestStory> => ({
      ...(await narrated(userId)),
      end: 'ready',
      attempts: 1,
    }),
    /** It is written again, and narrated again. */
    async (userId) => {
      const { laterText, ...story } = await narrated(userId);
      const { method, path, body } = commitOf(story.name, { text: text(laterText) }, ['text']);
      await persist('an edit', () => restAs({ projectId }, userId)(method, path, body));
      await timed('written again', async () => {
        await ask(functions.request, userId, story.id);
        await waitFor(story.id, until('ready', { audioAttempt: 2 }));
      });
      return { ...story, text: laterText, end: 'ready', attempts: 2 };
    },
    /** Another server has it narrated. */
    async (userId) => {
      const { title, text: words } = tale();
      const { id } = stories.doc();
      const fields = { story_id: id, user_id: userId, voice_id: 'slt', story_name: title, text: words };
      const [body, isStandard] = [Buffer.from(JSON.stringify(fields)), random.chance(0.5)];
      await timed('generated', async () => {
        await persist('generate', () => {
          const [atMs, path] = [Date.now(), '/api/tts/generate'];
          const { standard, hmac, prefix } = system.generateSecrets;
          const signed = isStandard
            ? signStandard({ id: `generate-${id}`, timestampSeconds: atMs / 1000, body }, [standard])
            : signHmac({ method: 'POST', path, timestampMs: atMs, body }, hmac, prefix);
          const headers = { 'content-type': 'application/json', 'x-idempotency-key': id, ...signed };
          return fetch(publicUrl + path, { method: 'POST', headers, body });
        });
        await waitFor(id, until('ready'));
      });
      return { id, userId, title, text: words, end: 'ready', attempts: 1 };
    },
    async (userId) => ({ ...(await inTheField(userId, true)), end: 'ready', attempts: 0 }),
    async (userId) => ({ ...(await inTheField(userId, false)), end: 'failed', attempts: 0 }),
    async (userId) => {
      const story = await inTheField(userId, false);
      await tryAgain(userId, story.id);
      return { ...story, end: 'ready', attempts: 1 };
    },
    /** Its worker died without a word: the sweep ends it. */
    async (userId) => {
      const story = await write(userId);
      const [jobId, lease] = [`silent-${story.id}`, new Date()];
      const attempt = { jobId, number: 1, status: 'processing', requestedBy: userId };
      await stories.doc(story.id).collection(collections.attempts).doc(jobId).set(attempt);
      const job = { audioStatus: 'processing', audioJobId: jobId, audioAttempt: 1 };
      await timed('swept', async () => {
        await stories.doc(story.id).update({ ...job, audioLeaseExpiresAt: lease });
        await waitFor(story.id, until('failed'));
      });
      await tryAgain(userId, story.id);
      return { ...story, end: 'ready', attempts: 2 };
    },
  ] satisfies ((userId: string) => Promise<HonestStory>)[];
};

/** Honest users, each with one story after another, until it is over; a story that has begun comes to its end. */
export const runHonestUsers = async (
  count: number,
  system: System,
  random: Random,
  isOver: () => boolean,
): Promise<HonestReport> => {
  const stories: HonestStory[] = [];
  const latencies: Latency[] = [];
  const faults: string[] = [];
  const ways = waysOf(system, random.fork('ways'), latencies);
  const live = async (index: number): Promise<void> => {
    const own = random.fork(`user-${index}`);
    for (let story = 0; !isOver(); story += 1) {
      const userId = `reader-${index}-${Math.floor(story / STORIES_PER_USER)}`;
      // Each begins with another way.
      const way = ways[story === 0 ? index % ways.length : own.between(0, ways.length - 1)];
      await way?.(userId).then(
        (story) => stories.push(story),
        (fault) => faults.push(`${userId}: ${(fault as Error).message}`),
      );
      await sleep(own.between(...PAUSE_MS));
    }
  };
  await Promise.all(Array.from({ length: count }, (_, index) => live(index)));
  return { stories, latencies, faults };
};
