import { randomUUID } from 'node:crypto';
import {
  type AutoRetryPolicy,
  type Budget,
  DEFAULT_STORY_LIMITS,
  type Decision,
  decide,
  type StoryMessage,
  type TransitionContext,
} from '@taleback/core';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getFirestore } from 'firebase-admin/firestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { narrationEvent } from '../src/events/narration-event.ts';
import { createOwedEvents, type OwedEvents } from '../src/events/owed-events.node.ts';
import { decideStoryOpening } from '../src/request/open-story.ts';
import { type AddressDecision, createFirestoreStories } from '../src/stories/firestore-stories.node.ts';
import type { DecideOpening } from '../src/stories/opening.ts';
import {
  createMemoryOwedEvents,
  createMemoryStories,
  memoryDocuments,
  type MemoryStories,
  storyIn,
} from './memory-stories.ts';

type Fields = Record<string, unknown>;

/** A store of stories and of owed events, and a look at its documents. */
interface Store {
  readonly stories: MemoryStories;
  readonly owed: OwedEvents;
  put(id: string, fields: Fields, attempts?: Record<string, Fields>): Promise<void>;
  story(id: string): Promise<Fields>;
  attempts(id: string): Promise<Record<string, Fields>>;
  usage(id: string): Promise<Fields | undefined>;
  close(): Promise<void>;
}

const openFirestore = async (): Promise<Store> => {
  const projectId = `demo-${randomUUID().slice(0, 13)}`;
  const app = initializeApp({ projectId }, projectId);
  const firestore = getFirestore(app);
  const options = { timeoutMs: 120_000 };
  return {
    stories: createFirestoreStories(firestore, options),
    owed: createOwedEvents(firestore, options),
    put: async (id, fields, attempts = {}) => {
      await firestore.doc(`stories/${id}`).set(fields);
      for (const [jobId, attempt] of Object.entries(attempts))
        await firestore.doc(`stories/${id}/audioAttempts/${jobId}`).set(attempt);
    },
    story: async (id) => (await firestore.doc(`stories/${id}`).get()).data() ?? {},
    attempts: async (id) => {
      const { docs } = await firestore.collection(`stories/${id}/audioAttempts`).get();
      return Object.fromEntries(docs.map((doc) => [doc.id, doc.data()]));
    },
    usage: async (id) => (await firestore.doc(`ttsUsage/${id}`).get()).data(),
    close: () => deleteApp(app),
  };
};

const openMemory = async (): Promise<Store> => {
  const documents = memoryDocuments();
  return {
    stories: createMemoryStories(documents, { now: Date.now }),
    owed: createMemoryOwedEvents(documents, {}),
    put: async (id, fields, attempts = {}) => {
      const story = storyIn(documents, id);
      story.fields = fields;
      for (const [jobId, attempt] of Object.entries(attempts)) story.attempts.set(jobId, attempt);
    },
    story: async (id) => storyIn(documents, id).fields ?? {},
    attempts: async (id) => Object.fromEntries(storyIn(documents, id).attempts),
    usage: async (id) => documents.usage.get(id),
    close: async () => undefined,
  };
};

const NOW_MS = Date.parse('2026-11-30T08:00:00Z');
const RULES = {
  limits: DEFAULT_STORY_LIMITS,
  defaultVoice: 'slt',
  callbackUrl: 'https://t.test/api/tts/callback',
  pendingLeaseMs: 60_000,
  now: () => NOW_MS,
};
const decideFor =
  (storyId: string, jobId: string, userId = 'u1'): DecideOpening =>
  (story) =>
    story === undefined
      ? { kind: 'no-such-story' }
      : decideStoryOpening(story, { kind: 'request', requestedBy: userId, userId, storyId, jobId }, RULES);
const AUTO_RETRY: AutoRetryPolicy = { limit: 2, delaysMs: [60_000] };
const CONTEXT: TransitionContext = {
  source: 'callback',
  nowMs: NOW_MS,
  leaseMs: 60_000,
  autoRetry: AUTO_RETRY,
};
const OWN = {
  audioJobId: 'j1',
  audioAttempt: 1,
  audioContentHash: 'h',
  audioLeaseExpiresAt: new Date(NOW_MS),
};
const ATTEMPT = { jobId: 'j1', number: 1, status: 'processing', contentHash: 'h' };

const ready = (jobId: string | undefined, audioUrl = `https://a.test/${jobId}.mp3`): StoryMessage => ({
  kind: 'ready',
  jobId,
  audioUrl,
  storagePath: undefined,
  durationMs: 1_000,
  voiceId: undefined,
  voiceName: undefined,
  language: undefined,
  metadata: { engine: 'flite' },
});
const failed = (jobId: string | undefined): StoryMessage => ({
  kind: 'failed',
  jobId,
  error: 'It broke',
  details: undefined,
  code: 'timed_out',
  retryable: true,
  metadata: undefined,
});
const progress = (jobId: string, share: number): StoryMessage => ({
  kind: 'progress',
  jobId,
  stage: 'encoding',
  progress: share,
});

const targetOf = (storyId: string, jobId: string | undefined) => ({
  storyId,
  jobId,
  eventOf: (
    kind: Parameters<typeof narrationEvent>[0]['kind'],
    narration: Parameters<typeof narrationEvent>[1],
  ) =>
    narrationEvent(
      { id: `event-${storyId}-${narration.eventSequence}`, kind, storyId, nowMs: NOW_MS },
      narration,
    ),
});

const at = (minute: number): Date => new Date(NOW_MS + minute * 60_000);

describe.each([
  ['Firestore', openFirestore],
  ['memory', openMemory],
] as const)('a store of stories in %s', (_name, open) => {
  let store: Store;
  let next = 0;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());

  const put = async (fields: Fields, attempts?: Record<string, Fields>): Promise<string> => {
    next += 1;
    const id = `story-${next}`;
    await store.put(id, { userId: 'u1', text: 'Once upon a time.', ...fields }, attempts);
    return id;
  };
  const apply = (storyId: string, message: StoryMessage) =>
    store.stories.apply(targetOf(storyId, message.jobId), (story, attempts) =>
      decide(story, attempts, message, CONTEXT),
    );
  const record = (storyId: string, jobId: string, runpodJobId: string) =>
    store.stories.recordRunpodJob({ ...targetOf(storyId, jobId), jobId, runpodJobId }, CONTEXT);
  const request = (storyId: string, jobId: string, keys: readonly string[] = [], nowMs = NOW_MS) =>
    store.stories.open({ storyId, jobId, request: { keys, nowMs } }, decideFor(storyId, jobId));
  const owedOf = async (storyId: string) => {
    const page = await store.owed.list(Date.now() + 60_000, 1_000);
    return page.kind === 'owed' ? page.events.filter(({ subject }) => subject === storyId) : page;
  };

  const listNext = async (limit: number) => {
    const page = await store.stories.listNextInRound(limit);
    if (page.kind !== 'page') throw new Error(page.kind);
    return page.stories.map(({ storyId, hasLease }) => ({ storyId, hasLease }));
  };

  it('applies a message to the story, its attempt and its event in one commit', async () => {
    const id = await put({ ...OWN, audioStatus: 'processing', audioProgress: 0.5 }, { j1: ATTEMPT });
    const outcome = await apply(id, ready('j1'));
    expect(outcome).toMatchObject({ kind: 'decided', decision: 'applied', event: { subject: id } });
    const story = await store.story(id);
    expect(story).toMatchObject({
      audioStatus: 'ready',
      audioUrl: 'https://a.test/j1.mp3',
      audioEventSequence: 1,
    });
    expect(story).not.toHaveProperty('audioProgress');
    expect(story).not.toHaveProperty('audioLeaseExpiresAt');
    expect(await store.attempts(id)).toMatchObject({ j1: { number: 1, status: 'ready' } });
    expect(await owedOf(id)).toMatchObject([{ id: `event-${id}-1`, data: { status: 'ready', sequence: 1 } }]);
  });

  it('writes nothing for a duplicate', async () => {
    const id = await put(
      { ...OWN, audioStatus: 'ready', audioUrl: 'a' },
      { j1: { ...ATTEMPT, status: 'ready' } },
    );
    const before = await store.story(id);
    expect(await apply(id, ready('j1'))).toMatchObject({ kind: 'decided', decision: 'duplicate' });
    expect(await store.story(id)).toEqual(before);
    expect(await owedOf(id)).toEqual([]);
  });

  it('keeps the history of an attempt: each transition, and what other messages wrote', async () => {
    const id = await put({ ...OWN, audioStatus: 'processing' }, { j1: ATTEMPT });
    await apply(id, failed('j1'));
    await apply(id, ready('j1'));
    const { j1 } = await store.attempts(id);
    expect(j1).toMatchObject({
      transitions: { failed: { source: 'callback' }, ready: { source: 'callback' } },
    });
    expect(j1).not.toHaveProperty('error');
    expect(await store.story(id)).toMatchObject({ audioStatus: 'ready', audioEventSequence: 2 });
  });

  it("finds the attempt by RunPod's id of the current job and of an older one", async () => {
    const attempts = { j0: { ...ATTEMPT, jobId: 'j0', runpodJobId: 'r0' }, j1: { ...ATTEMPT, number: 2 } };
    const id = await put({ ...OWN, audioStatus: 'pending', audioRunpodJobId: 'r1' }, attempts);
    await apply(id, progress('r1', 0.4));
    expect(await store.story(id)).toMatchObject({ audioStatus: 'processing', audioProgress: 0.4 });
    await apply(id, failed('r0'));
    expect(await store.attempts(id)).toMatchObject({
      j0: { status: 'failed' },
      j1: { status: 'processing' },
    });
    await apply(id, ready('r0'));
    expect(await store.story(id)).toMatchObject({ audioStatus: 'ready', audioJobId: 'j0' });
    expect(Object.keys(await store.attempts(id)).sort()).toEqual(['j0', 'j1']);
  });

  it('keeps a message without a job on the story alone', async () => {
    const id = await put({});
    await apply(id, failed(undefined));
    expect(await store.story(id)).toMatchObject({ audioStatus: 'failed', audioError: 'It broke' });
    expect(await store.attempts(id)).toEqual({});
    expect(await apply(`${id}-none`, failed(undefined))).toEqual({ kind: 'no-such-story' });
  });

  it('asks the owner and the requester of the current attempt whether a message is admitted', async () => {
    const attempts = { j1: { ...ATTEMPT, requestedBy: 'u2' } };
    const id = await put({ ...OWN, audioStatus: 'pending', audioRunpodJobId: 'r1' }, attempts);
    const seen: unknown[] = [];
    const admits = (owners: object): boolean => {
      seen.push(owners);
      return 'requestedBy' in owners && owners.requestedBy === 'u2';
    };
    const message = ready('r1');
    const outcome = await store.stories.apply({ ...targetOf(id, 'r1'), admits }, (story, known) =>
      decide(story, known, message, CONTEXT),
    );
    expect(outcome).toMatchObject({ kind: 'decided', decision: 'applied' });
    expect(seen).toEqual([
      { userId: 'u1', requestedBy: undefined },
      { userId: 'u1', requestedBy: 'u2' },
    ]);
    const refused = await store.stories.apply({ ...targetOf(id, 'j1'), admits: () => false }, () => ({
      kind: 'stale',
    }));
    expect(refused).toEqual({ kind: 'not-admitted' });
  });

  it("records RunPod's id, keeps the first one, and takes over what came before it", async () => {
    const id = await put({ ...OWN, audioStatus: 'pending' }, { j1: { ...ATTEMPT, status: 'pending' } });
    await apply(id, ready('r1'));
    expect(await store.story(id)).toMatchObject({ audioStatus: 'pending' });
    expect(await record(id, 'j1', 'r1')).toMatchObject({ kind: 'recorded', event: { subject: id } });
    expect(await store.story(id)).toMatchObject({
      audioStatus: 'ready',
      audioRunpodJobId: 'r1',
      audioJobId: 'j1',
    });
    expect(await store.attempts(id)).toMatchObject({ j1: { status: 'ready', runpodJobId: 'r1', number: 1 } });
    expect(await store.attempts(id)).not.toHaveProperty('r1');
    expect(await record(id, 'j1', 'r2')).toEqual({ kind: 'other' });
    expect(await record(id, 'j1', 'r1')).toEqual({ kind: 'recorded' });
    expect(await owedOf(id)).toHaveLength(1);
  });

  it("records RunPod's id of an attempt that is no longer current on the attempt alone", async () => {
    const id = await put(
      { ...OWN, audioStatus: 'pending' },
      { j1: ATTEMPT, j0: { ...ATTEMPT, jobId: 'j0' } },
    );
    expect(await record(id, 'j0', 'r0')).toEqual({ kind: 'recorded' });
    expect(await store.story(id)).not.toHaveProperty('audioRunpodJobId');
    expect(await store.attempts(id)).toMatchObject({ j0: { runpodJobId: 'r0', number: 1 } });
  });

  it('opens an attempt with the hashes of its content, and replaces what was there before', async () => {
    const id = await put({
      audioStatus: 'failed',
      audioError: 'It broke',
      audioAttempt: 1,
      audioRunpodJobId: 'r1',
    });
    expect(await request(id, 'j2')).toMatchObject({ kind: 'opened', attempt: 2 });
    const story = await store.story(id);
    expect(story).toMatchObject({ audioStatus: 'pending', audioJobId: 'j2', audioAttempt: 2 });
    expect(story).not.toHaveProperty('audioError');
    expect(story).not.toHaveProperty('audioRunpodJobId');
    const { j2 } = await store.attempts(id);
    expect(j2).toMatchObject({ number: 2, status: 'pending', contentHash: story['audioContentHash'] });
    expect(await request(id, 'j3')).toMatchObject({ kind: 'under-way', jobId: 'j2' });
    expect(await store.attempts(id)).not.toHaveProperty('j3');
    expect(await request(`${id}-none`, 'j1')).toEqual({ kind: 'no-such-story' });
  });

  it('counts a narration until it ends, and opens no more than the budget has room for', async () => {
    const userId = `user-${next}`;
    const ids = [await put({ userId }), await put({ userId }), await put({ userId })];
    const account = { userId, usageId: userId, nowMs: NOW_MS, leaseMs: 60_000 };
    const open = (storyId: string, jobId: string, budget: Budget) =>
      store.stories.open(
        { storyId, jobId, account: { ...account, budget } },
        decideFor(storyId, jobId, userId),
      );
    const opened = await Promise.all(ids.map((id) => open(id, `job-of-${id}`, { underWay: 2, stories: 3 })));
    expect(opened.map(({ kind }) => kind).sort()).toEqual(['opened', 'opened', 'over-budget']);
    const left = ids.filter((_, index) => opened[index]?.kind === 'opened');
    const [first = '', second = ''] = left;
    const keysOf = async () => Object.keys((await store.usage(userId))?.['underWay'] as object).sort();
    expect(await keysOf()).toEqual(left.map((id) => `job-of-${id}`).sort());
    await apply(first, progress(`job-of-${first}`, 0.5));
    await apply(first, failed(`job-of-${first}`));
    expect(await keysOf()).toEqual([`job-of-${second}`]);
    expect(await store.story(first)).not.toHaveProperty('audioUsageId');
    expect(await open(first, 'again', { stories: 2 })).toMatchObject({ code: 'too_many_stories' });
  });

  it('reads a job, with the reason of a refused dispatch', async () => {
    const id = await put({ ...OWN, audioStatus: 'pending' }, { j1: { ...ATTEMPT, runpodJobId: 'r1' } });
    const read = (jobId: string) => store.stories.readJob(id, jobId);
    expect(await read('j1')).toMatchObject({
      kind: 'found',
      job: { story: { status: 'pending', jobId: 'j1' }, attemptStatus: 'processing', runpodJobId: 'r1' },
    });
    expect(await read('j9')).toMatchObject({ kind: 'found', job: { attemptStatus: undefined } });
    await store.stories.apply(
      targetOf(id, 'j1'),
      (story, attempts): Decision =>
        decide(story, attempts, failed('j1'), { ...CONTEXT, source: 'dispatch' }),
    );
    expect(await read('j1')).toMatchObject({ job: { refusal: { code: 'timed_out' } } });
    expect(await store.stories.readJob(`${id}-none`, 'j1')).toEqual({ kind: 'no-such-story' });
  });

  it('answers a request that comes again under any of its keys as before, for ten minutes', async () => {
    const id = await put({});
    const first = { kind: 'under-way', jobId: 'j1', attempt: 1 };
    expect(await request(id, 'j1', ['a', 'b'])).toMatchObject({ kind: 'opened', attempt: 1 });
    await apply(id, ready('j1'));
    expect(await request(id, 'j2', ['x', 'b'])).toEqual(first);
    expect(await request(id, 'j2', ['x', 'y'], NOW_MS + 599_999)).toEqual(first);
    expect(Object.keys(await store.attempts(id))).toEqual(['j1']);
    expect(await request(id, 'j2', ['a'], NOW_MS + 600_000)).toMatchObject({ kind: 'opened', attempt: 2 });
    expect(await request(id, 'j3', ['a'])).toEqual({ kind: 'under-way', jobId: 'j2', attempt: 2 });
    expect(await request(`${id}-none`, 'j3', ['a'])).toEqual({ kind: 'no-such-story' });
  });

  it('opens it again when no worker had its job, and answers with the new one from then on', async () => {
    const id = await put({});
    await request(id, 'j1', ['a', 'b']);
    await apply(id, { ...failed('j1'), code: 'queue_unavailable' } as StoryMessage);
    expect(await request(id, 'j2', ['a', 'b'])).toMatchObject({ kind: 'opened', attempt: 2 });
    expect(await request(id, 'j3', ['b'])).toEqual({ kind: 'under-way', jobId: 'j2', attempt: 2 });
  });

  it('writes a new address, and nothing else', async () => {
    const id = await put({
      ...OWN,
      audioStatus: 'ready',
      audioUrl: 'https://a.test/old',
      audioStoragePath: 'p/1.mp3',
    });
    const before = await store.story(id);
    const seen: unknown[] = [];
    const readdress = (storyId: string, decision: AddressDecision) =>
      store.stories.readdress(storyId, async (story) => {
        seen.push(story);
        return decision;
      });
    expect(await readdress(id, { kind: 'unchanged' })).toEqual({ kind: 'unchanged' });
    expect(await store.story(id)).toEqual(before);
    const renewed = { kind: 'renewed', audioUrl: 'https://a.test/new' } as const;
    expect(await readdress(id, renewed)).toEqual(renewed);
    expect(await store.story(id)).toEqual({ ...before, audioUrl: 'https://a.test/new' });
    expect(await readdress(`${id}-none`, { kind: 'no-such-story' })).toEqual({ kind: 'no-such-story' });
    const known = { userId: 'u1', audioUrl: 'https://a.test/old', storagePath: 'p/1.mp3' };
    expect(seen).toEqual([known, known, undefined]);
  });

  it('keeps the address of a message that came between', async () => {
    const id = await put(
      { ...OWN, audioStatus: 'processing', audioUrl: 'https://a.test/old' },
      { j1: ATTEMPT },
    );
    let between: Promise<unknown> | undefined;
    await store.stories.readdress(id, async () => {
      if (between !== undefined) return { kind: 'unchanged' };
      between = apply(id, ready('j1'));
      await new Promise(setImmediate);
      return { kind: 'renewed', audioUrl: 'https://a.test/lost' };
    });
    await between;
    expect(await store.story(id)).toMatchObject({ audioStatus: 'ready', audioUrl: 'https://a.test/j1.mp3' });
  });

  it('answers a ping', async () => {
    expect(await store.stories.ping()).toBe(true);
  });

  it('lists what a sweep looks into, the longest waiting first, page by page', async () => {
    const late = await put({ audioStatus: 'pending', audioLeaseExpiresAt: at(-1) });
    const later = await put({ audioStatus: 'processing', audioLeaseExpiresAt: at(-2) });
    const due = await put({ audioStatus: 'failed', audioRetryAt: at(-3) });
    const early = await put({ audioStatus: 'failed', audioRetryAt: 5 });
    const far = await put({ audioStatus: 'failed', audioRetryAt: at(60) });
    const odd = await put({ audioStatus: 'failed', audioRetryAt: { seconds: 5 } });
    await put({ audioStatus: 'failed', audioRetryAt: null });
    await put({ audioStatus: 'failed', audioLeaseExpiresAt: at(-4) });
    await put({ audioStatus: 'pending', audioLeaseExpiresAt: 5 });
    await put({ audioStatus: 'pending', audioLeaseExpiresAt: at(60) });
    const mine = new Set([late, later, due, early, far, odd]);
    const listed = async (kind: Parameters<MemoryStories['listOverdue']>[0]['kind']): Promise<string[]> => {
      const ids: string[] = [];
      let from: Parameters<MemoryStories['listOverdue']>[2];
      do {
        const page = await store.stories.listOverdue({ kind, byMs: at(-0.5).getTime() }, 1, from);
        if (page.kind !== 'page') throw new Error(page.kind);
        ids.push(...page.stories.map(({ storyId }) => storyId));
        from = page.next;
      } while (from !== undefined);
      return ids.filter((id) => mine.has(id));
    };
    expect(await listed('lease-expired')).toEqual([later, late]);
    expect(await listed('retry-due')).toEqual([early, due]);
    expect(await listed('retry-late')).toEqual([far, odd]);
  });

  it('lists the stories under way in rounds, whatever their lease', async () => {
    const leases = [undefined, null, 5, 'soon', { seconds: 5 }, at(60)];
    for (const lease of leases)
      await put({ audioStatus: 'pending', ...(lease === undefined ? {} : { audioLeaseExpiresAt: lease }) });
    const all = await listNext(1_000);
    expect(all.filter(({ hasLease }) => !hasLease).length).toBeGreaterThanOrEqual(leases.length - 1);
    const round = [];
    for (let page = await listNext(3); ; page = await listNext(3)) {
      round.push(...page);
      if (page.length < 3) break;
    }
    expect(round).toEqual(all);
    expect(await listNext(1_000)).toEqual(all);
  });

  it('lists owed events until they are settled, page by page', async () => {
    const id = await put({});
    await apply(id, failed(undefined));
    await apply(id, ready('f1'));
    const first = await store.owed.list(Date.now() + 60_000, 1);
    expect(first).toMatchObject({ kind: 'owed', events: [{}] });
    const rest =
      first.kind === 'owed' ? await store.owed.list(Date.now() + 60_000, 1_000, first.next) : first;
    expect(rest.kind === 'owed' && first.kind === 'owed' && rest.events).not.toContainEqual(
      first.kind === 'owed' ? first.events[0] : undefined,
    );
    expect(await owedOf(id)).toHaveLength(2);
    expect(await store.owed.settle(`event-${id}-1`)).toEqual({ kind: 'settled' });
    expect(await owedOf(id)).toMatchObject([{ id: `event-${id}-2` }]);
    expect(await store.owed.list(NOW_MS - 10 * 365 * 86_400_000, 10)).toMatchObject({ events: [] });
  });

  it('repeats a transaction that another one came between: every message counts once', async () => {
    const id = await put({ ...OWN, audioStatus: 'processing' }, { j1: ATTEMPT });
    const outcomes = await Promise.all([
      apply(id, ready('j1')),
      apply(id, ready('j1')),
      apply(id, failed('j1')),
    ]);
    const decisions = outcomes.map((outcome) =>
      outcome.kind === 'decided' ? outcome.decision : outcome.kind,
    );
    expect(decisions).toContain('applied');
    const owed = await owedOf(id);
    const { audioStatus, audioEventSequence } = await store.story(id);
    expect(audioStatus).toBe('ready');
    expect(Array.isArray(owed) && owed.map(({ data }) => data.sequence)).toEqual(
      Array.from({ length: Number(audioEventSequence) }, (_, index) => index + 1),
    );
  });
});
