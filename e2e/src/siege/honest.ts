import { setTimeout as sleep } from 'node:timers/promises';
import { createNames } from '@taleback/core';
import { signHmac, signStandard } from '@taleback/core/signatures';
import { commitOf, creationOf, type HandCall } from '@taleback/functions/test/rules/hostile-calls.ts';
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

type Fields = Readonly<Record<string, unknown>>;

/** A story that takes longer is given up. */
const LOST_AFTER_MS = 60_000;
/** So that no day's budget is used up. */
const STORIES_PER_USER = 8;
const TALES = tellTales(1_000);

/** What an honest caller does about 503, or no answer: it repeats. Everything else but 200 is a fault. */
const persist = async (what: string, send: () => Promise<number>): Promise<void> => {
  const deadline = Date.now() + LOST_AFTER_MS;
  for (;;) {
    const status = await send().catch(() => 503);
    if (status === 200) return;
    if (status !== 503 || Date.now() > deadline) throw new Error(`${what} was answered ${status}`);
    await sleep(500);
  }
};

/** Honest users, each with one story after another, until it is over; a story that has begun comes to its end. */
export const runHonestUsers = async (
  count: number,
  system: System,
  random: Random,
  isOver: () => boolean,
) => {
  const { firestore, publicUrl, audioFolder, generateSecrets } = system;
  const documents = firestore.collection(collections.stories);
  const stories: HonestStory[] = [];
  /** From a request to its end, in milliseconds. */
  const latencies: { readonly way: string; readonly ms: number }[] = [];
  const faults: string[] = [];
  let next = 0;
  const nextTale = (): Tale => {
    next += 1;
    return TALES[next % TALES.length] as Tale;
  };

  /** Does something, and waits until the story looks so. */
  const narrate = async (way: string, id: string, wanted: Fields, start: () => Promise<unknown>) => {
    const startedAt = performance.now();
    await start();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const lost = (): void => reject(new Error(`${id}, ${way}, was lost`));
    const timer = setTimeout(lost, LOST_AFTER_MS);
    const stop = documents.doc(id).onSnapshot((snapshot) => {
      const story = snapshot.data() ?? {};
      if (Object.entries(wanted).every(([name, value]) => story[name] === value)) resolve();
    }, lost);
    await promise.finally(() => {
      clearTimeout(timer);
      stop();
    });
    latencies.push({ way, ms: Math.round(performance.now() - startedAt) });
  };
  const write = (userId: string, { method, path, body }: HandCall): Promise<void> =>
    persist('a write', async () => (await restAs(system, userId)(method, path, body)).status);
  const nameOfStory = (id: string): string => nameOf(system, `${collections.stories}/${id}`);
  const create = async (userId: string) => {
    const [{ title, text }, { id }] = [nextTale(), documents.doc()];
    await write(userId, creationOf(nameOfStory(id), { userId, title, text, voiceId: 'slt' }));
    return { id, userId, title, text };
  };
  const ready = { audioStatus: 'ready' };
  const ask = (name: string, userId: string, storyId: string): Promise<void> =>
    persist(name, () => system.call(name, { storyId }, userId));
  const tryAgain = (userId: string, id: string): Promise<void> =>
    narrate('tried again', id, ready, () => ask(functions.retry, userId, id));

  const ways: readonly ((userId: string) => Promise<HonestStory>)[] = [
    /** The page asks for it; it may be written and narrated again. */
    async (userId) => {
      const story = await create(userId);
      await narrate('requested', story.id, ready, () => ask(functions.request, userId, story.id));
      if (random.chance(0.5)) return { ...story, end: 'ready', attempts: 1 };
      const again = { text: `${story.text} And so it was.` };
      await write(userId, commitOf(nameOfStory(story.id), { text: { stringValue: again.text } }, ['text']));
      const second = { ...ready, audioAttempt: 2 };
      await narrate('written again', story.id, second, () => ask(functions.request, userId, story.id));
      return { ...story, ...again, end: 'ready', attempts: 2 };
    },
    /** Another server has it narrated. */
    async (userId) => {
      const [{ title, text }, { id }, path] = [nextTale(), documents.doc(), '/api/tts/generate'];
      const { standard, hmac, prefix } = generateSecrets;
      const fields = { story_id: id, user_id: userId, voice_id: 'slt', story_name: title, text };
      const [body, isStandard] = [Buffer.from(JSON.stringify(fields)), random.chance(0.5)];
      const send = async (): Promise<number> => {
        const timestampMs = Date.now();
        const proof = isStandard
          ? signStandard({ id: `generate-${id}`, timestampSeconds: timestampMs / 1000, body }, [standard])
          : signHmac({ method: 'POST', path, timestampMs, body }, hmac, prefix);
        const headers = { 'content-type': 'application/json', 'x-idempotency-key': id, ...proof };
        return (await fetch(publicUrl + path, { method: 'POST', headers, body })).status;
      };
      await narrate('generated', id, ready, () => persist('generate', send));
      return { id, userId, title, text, end: 'ready', attempts: 1 };
    },
    /** A Python handler narrates a job that another app has given it, or fails; then its user may try again. */
    async (userId) => {
      const [story, isSpoken] = [await create(userId), random.chance(0.5)];
      const [end, reference] = [isSpoken ? 'ready' : 'failed', new Map<string, Buffer>()] as const;
      if (isSpoken) reference.set(story.text, Buffer.from('audio'));
      await narrate('in the field', story.id, { audioStatus: end }, async () => {
        await documents.doc(story.id).update({ audioStatus: 'pending' });
        const [jobId, callbackUrl] = [`field-${story.id}`, `${publicUrl}/api/tts/callback`];
        const job = { ...story, storyId: story.id, voiceId: 'ann', callbackUrl, jobId, fileName: jobId };
        await narrateInTheField(job, { reference, audioFolder, random });
      });
      if (isSpoken || random.chance(0.5)) return { ...story, end, attempts: 0 };
      await tryAgain(userId, story.id);
      return { ...story, end: 'ready', attempts: 1 };
    },
    /** Its worker died without a word: the sweep ends it, and its user tries again. */
    async (userId) => {
      const [story, jobId] = [await create(userId), 'silent'];
      const attempt = { jobId, number: 1, status: 'processing', requestedBy: userId };
      await documents.doc(story.id).collection(collections.attempts).doc(jobId).set(attempt);
      const job = { audioStatus: 'processing', audioJobId: jobId, audioAttempt: 1 };
      await narrate('swept', story.id, { audioStatus: 'failed' }, () =>
        documents.doc(story.id).update({ ...job, audioLeaseExpiresAt: new Date() }),
      );
      await tryAgain(userId, story.id);
      return { ...story, end: 'ready', attempts: 2 };
    },
  ];
  const live = async (index: number): Promise<void> => {
    const own = random.fork(`user-${index}`);
    for (let story = 0; !isOver(); story += 1) {
      const userId = `reader-${index}-${Math.floor(story / STORIES_PER_USER)}`;
      const way = ways[(index + story) % ways.length];
      await way?.(userId).then(
        (ended) => stories.push(ended),
        (fault) => faults.push(`${userId}: ${(fault as Error).message}`),
      );
      await sleep(own.between(500, 2_500));
    }
  };
  await Promise.all(Array.from({ length: count }, (_, index) => live(index)));
  return { stories, latencies, faults };
};
