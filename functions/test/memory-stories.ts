import { createNames, isRecord, readStoryAudio, type RegisteredVoice, textOf } from '@taleback/core';
import type { QueryDocumentSnapshot } from 'firebase-admin/firestore';
import type { NarrationEvent } from '../src/events/narration-event.ts';
import type { OwedEvents } from '../src/events/owed-events.node.ts';
import {
  applyToDocuments,
  attemptIdOf,
  changed,
  type Fields,
  isKnownFromStory,
  type MessageDocuments,
  type MessageWrites,
  readStoredJob,
  recordInDocuments,
} from '../src/stories/documents.ts';
import { admitVoice } from '../src/stories/admit-voice.ts';
import type { SweptStory, SweepQuery } from '../src/stories/firestore-jobs.node.ts';
import type { AddressDecision, StoryStore } from '../src/stories/firestore-stories.node.ts';
import { type Answered, answerOf, isCurrent, openInDocuments } from '../src/stories/opening.ts';

/** A story with its attempts. Any commit to it is a new version, which a transaction that read an older one conflicts with. */
export interface MemoryStory {
  fields: Fields | undefined;
  version: number;
  readonly attempts: Map<string, Fields>;
  /** By the keys of requests. */
  readonly answers: Map<string, Answered>;
}

export interface MemoryDocuments {
  readonly stories: Map<string, MemoryStory>;
  readonly owed: Map<string, { readonly event: NarrationEvent; readonly sinceMs: number }>;
  /** What each user has used. A commit replaces the object, which a transaction that read the one before conflicts with. */
  readonly usage: Map<string, Fields>;
  /** The register. */
  readonly voices: RegisteredVoice[];
  /** The last story of the sweep's round. */
  roundAfter: string | undefined;
}

/** Where a call to the store stands: before it reads, before it commits, and before its answer arrives. */
export type StoreStep = 'read' | 'commit' | 'answer';

export interface MemoryOptions {
  /** The store's own time, in Unix milliseconds. */
  readonly now: () => number;
  /** Called at every step of a call: what happens meanwhile, and whether it fails. Default: nothing, and never. */
  readonly step?: (step: StoreStep) => Promise<'away' | 'conflict' | undefined>;
  /** Called with every commit of a transaction, also of one that writes nothing, before any other call sees it. */
  readonly committed?: (storyId: string, story: MemoryStory, event: NarrationEvent | undefined) => void;
}

/** As many tries of a transaction as over Firestore. */
const MAX_TRIES = 8;
const AWAY = { kind: 'store-away', cause: 'simulated' } as const;
const names = createNames();

export const memoryDocuments = (): MemoryDocuments => ({
  stories: new Map(),
  owed: new Map(),
  usage: new Map(),
  voices: [],
  roundAfter: undefined,
});

/** The story of an id, which may not exist yet. */
export const storyIn = ({ stories }: MemoryDocuments, id: string): MemoryStory => {
  let story = stories.get(id);
  if (story === undefined)
    stories.set(id, (story = { fields: undefined, version: 0, attempts: new Map(), answers: new Map() }));
  return story;
};

const isPlain = (value: unknown): value is Fields => isRecord(value) && !(value instanceof Date);

/** Firestore's merge: maps are merged, all else is replaced. */
const merged = (fields: Fields, more: Fields): Fields => {
  const next: Record<string, unknown> = { ...fields };
  for (const [name, value] of Object.entries(more)) {
    const before = next[name];
    next[name] = isPlain(value) && isPlain(before) ? merged(before, value) : value;
  }
  return next;
};

const documentsOf = (
  { attempts }: MemoryStory,
  story: Fields,
  jobId: string | undefined,
): MessageDocuments => {
  const documentOf = (id: string | undefined): MessageDocuments['named'] => {
    const fields = id === undefined ? undefined : attempts.get(id);
    return id === undefined || fields === undefined ? undefined : { jobId: id, fields };
  };
  const namedId = attemptIdOf(jobId);
  const currentId = attemptIdOf(story['audioJobId']);
  const named = documentOf(namedId);
  if (namedId !== undefined && namedId === currentId) return { story, current: named };
  if (isKnownFromStory(story, jobId)) return { story };
  const isUnknown = jobId !== undefined && named === undefined && jobId !== story['audioRunpodJobId'];
  const found = isUnknown
    ? [...attempts].find(([, fields]) => fields['runpodJobId'] === jobId)?.[0]
    : undefined;
  return { story, named: named ?? documentOf(found), current: documentOf(currentId) };
};

const millisOf = (value: unknown): number | undefined =>
  value instanceof Date ? value.getTime() : undefined;

const TIME_FIELDS = {
  'lease-expired': 'audioLeaseExpiresAt',
  'retry-due': 'audioRetryAt',
  'retry-late': 'audioRetryAt',
} as const satisfies Record<SweepQuery['kind'], string>;

const pageOf = <T extends { readonly id: string }>(
  all: readonly T[],
  limit: number,
  from?: { id: string },
) => {
  const start = from === undefined ? 0 : all.findIndex(({ id }) => id === from.id) + 1;
  const page = all.slice(start, start + limit);
  // Only the id of Firestore's cursor is used here.
  const next = page.length < limit ? undefined : (page.at(-1) as unknown as QueryDocumentSnapshot);
  return { page, next };
};

export type MemoryStories = Pick<
  StoryStore,
  'apply' | 'recordRunpodJob' | 'open' | 'readdress' | 'readJob' | 'listOverdue' | 'listNextInRound' | 'ping'
>;

/** What a transaction answers, and what it writes if it commits. */
interface Work<T> {
  readonly answer: T;
  /** What was read beside the story is as it was. */
  readonly isCurrent?: () => boolean;
  readonly write?: () => NarrationEvent | undefined;
}

/** The place of a value in Firestore's order of types, times being 0. */
const typeRank = (value: unknown): number => {
  if (value instanceof Date) return 0;
  return typeof value === 'boolean' || typeof value === 'number' ? -1 : 1;
};

const isListedBy = ({ kind, byMs }: SweepQuery, fields: Fields): boolean => {
  const value = fields[TIME_FIELDS[kind]];
  const isFailed = fields['audioStatus'] === 'failed';
  const isUnderWay = ['pending', 'processing'].includes(String(fields['audioStatus']));
  if (value === undefined || value === null) return false;
  const order = typeRank(value) || (millisOf(value) ?? 0) - byMs;
  if (kind === 'lease-expired') return isUnderWay && typeRank(value) === 0 && order <= 0;
  return isFailed && (kind === 'retry-due' ? order <= 0 : order > 0);
};

const sweptOf = (storyId: string, fields: Fields): SweptStory => ({
  storyId,
  userId: textOf(fields[names.ownerField]),
  language: textOf(fields['language']),
  audio: readStoryAudio(fields),
  hasLease: fields['audioLeaseExpiresAt'] instanceof Date,
});

/**
 * Stories and attempts in memory, for simulations: what Firestore's store does, and the transactions optimistic, so that
 * others commit between what one reads and what it writes.
 */
export const createMemoryStories = (documents: MemoryDocuments, options: MemoryOptions): MemoryStories => {
  const { now, step = async () => undefined, committed } = options;

  const transact = async <T>(
    storyId: string,
    work: (story: MemoryStory) => Work<T> | Promise<Work<T>>,
  ): Promise<T | typeof AWAY> => {
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      if ((await step('read')) === 'away') return AWAY;
      const story = storyIn(documents, storyId);
      const { version } = story;
      const { answer, write, isCurrent = () => true } = await work(story);
      const fate = await step('commit');
      if (fate === 'away') return AWAY;
      if (fate === 'conflict' || story.version !== version || !isCurrent()) continue;
      if (write !== undefined) story.version += 1;
      const event = write?.();
      committed?.(storyId, story, event);
      return (await step('answer')) === 'away' ? AWAY : answer;
    }
    return AWAY;
  };

  const writeMessage = (target: MemoryStory, { story, attempt, event, usage }: MessageWrites) => {
    if (story !== undefined)
      target.fields = { ...changed(target.fields ?? {}, story), updatedAt: new Date(now()) };
    if (attempt !== undefined) {
      const { jobId, change } = attempt;
      const kept = changed(target.attempts.get(jobId) ?? {}, { set: {}, remove: change.remove });
      target.attempts.set(jobId, merged(kept, { jobId, ...change.set }));
    }
    if (usage !== undefined) {
      const { underWay, ...counts } = documents.usage.get(usage.usageId) ?? {};
      const { [usage.jobId]: _, ...others } = (underWay ?? {}) as Record<string, unknown>;
      documents.usage.set(usage.usageId, { ...counts, underWay: others });
    }
    if (event !== undefined) documents.owed.set(event.id, { event, sinceMs: now() });
    return event;
  };

  return {
    apply: (target, decide) =>
      transact(target.storyId, (story) => {
        if (story.fields === undefined) return { answer: { kind: 'no-such-story' } as const };
        const read = documentsOf(story, story.fields, target.jobId);
        let applied = applyToDocuments(read, target, decide, names);
        if (applied.outcome.kind === 'not-admitted' && read.current === undefined) {
          const currentId = attemptIdOf(story.fields['audioJobId']) ?? '';
          const fields = story.attempts.get(currentId);
          const current = fields && { jobId: currentId, fields };
          applied = applyToDocuments({ ...read, current }, target, decide, names);
        }
        const { outcome, writes } = applied;
        const isNothing = writes.story === undefined && writes.attempt === undefined;
        return { answer: outcome, ...(isNothing ? {} : { write: () => writeMessage(story, writes) }) };
      }),
    recordRunpodJob: (target, context) =>
      transact(target.storyId, (story) => {
        const { jobId, runpodJobId } = target;
        if (story.fields === undefined) return { answer: { kind: 'no-such-story' } as const };
        const read = documentsOf(story, story.fields, jobId);
        const early = story.attempts.get(runpodJobId);
        const { outcome, writes } = recordInDocuments({ ...read, early }, target, context, names);
        if (writes === undefined) return { answer: outcome };
        const write = () => {
          story.attempts.set(jobId, { ...story.attempts.get(jobId), jobId, runpodJobId });
          if (writes.isCurrent) story.fields = { ...story.fields, audioRunpodJobId: runpodJobId };
          if (runpodJobId !== jobId) story.attempts.delete(runpodJobId);
          return writeMessage(story, writes);
        };
        return { answer: outcome, write };
      }),
    open: ({ storyId, jobId, account, request: { keys, nowMs } = { keys: [], nowMs: 0 } }, decide) =>
      transact(storyId, (story) => {
        const usageId = account?.usageId ?? '';
        const usage = documents.usage.get(usageId);
        const isUnchanged = () => documents.usage.get(usageId) === usage;
        const own = [...documents.stories.values()].filter(
          ({ fields }) => fields !== undefined && fields[names.ownerField] === account?.userId,
        );
        const first = keys.map((key) => story.answers.get(key)).find((known) => isCurrent(known, nowMs));
        const before = first && { answer: first, attempt: story.attempts.get(first.jobId) };
        const attempt = story.attempts.get(jobId);
        const read = { story: story.fields, attempt, before, usage, stories: own.length };
        const judged = openInDocuments(read, decide, { names, account });
        const isVoice = ({ voiceId }: RegisteredVoice): boolean =>
          judged.writes !== undefined && voiceId === judged.decision.job.input.voice_id;
        const { decision, writes } =
          judged.writes === undefined
            ? judged
            : admitVoice(
                judged,
                documents.voices.filter(isVoice),
                story.attempts.get(judged.lastJobId ?? ''),
              );
        const answered = answerOf(decision, jobId, nowMs);
        if (writes === undefined && (answered === undefined || keys.length === 0))
          return { answer: decision, isCurrent: isUnchanged };
        const write = () => {
          for (const key of keys) if (answered !== undefined) story.answers.set(key, answered);
          if (writes === undefined) return undefined;
          const at = new Date(now());
          story.fields =
            'create' in writes.story
              ? { ...writes.story.create, createdAt: at, updatedAt: at }
              : { ...changed(story.fields ?? {}, writes.story.update), updatedAt: at };
          story.attempts.set(jobId, writes.attempt);
          if (writes.usage !== undefined) documents.usage.set(usageId, { ...writes.usage });
          return undefined;
        };
        return { answer: decision, write, isCurrent: isUnchanged };
      }),
    readdress: (storyId, decide) =>
      transact(storyId, async (story): Promise<Work<AddressDecision>> => {
        const { fields } = story;
        const answer = await decide(
          fields && {
            userId: textOf(fields[names.ownerField]),
            audioUrl: textOf(fields['audioUrl']),
            storagePath: textOf(fields['audioStoragePath']),
          },
        );
        if (answer.kind !== 'renewed') return { answer };
        const write = () => void (story.fields = { ...story.fields, audioUrl: answer.audioUrl });
        return { answer, write };
      }),
    ping: async () => (await step('read')) !== 'away',
    readJob: async (storyId, jobId) => {
      if ((await step('read')) === 'away') return AWAY;
      const { fields, attempts } = storyIn(documents, storyId);
      if (fields === undefined) return { kind: 'no-such-story' };
      const job = readStoredJob(jobId, fields, attempts.get(jobId));
      return { kind: 'found', job };
    },
    listOverdue: async (query, limit, from) => {
      if ((await step('read')) === 'away') return AWAY;
      const all = [...documents.stories].flatMap(([id, { fields = {} }]) => {
        const value = fields[TIME_FIELDS[query.kind]];
        const rank = typeRank(value);
        return isListedBy(query, fields) ? [{ id, fields, rank, atMs: millisOf(value) ?? 0 }] : [];
      });
      all.sort(
        (one, other) => one.rank - other.rank || one.atMs - other.atMs || (one.id < other.id ? -1 : 1),
      );
      const { page, next } = pageOf(all, limit, from);
      return { kind: 'page', stories: page.map(({ id, fields }) => sweptOf(id, fields)), next };
    },
    listNextInRound: async (limit) => {
      if ((await step('read')) === 'away') return AWAY;
      const after = documents.roundAfter ?? '';
      const ids = [...documents.stories].flatMap(([id, { fields }]) =>
        id > after && ['pending', 'processing'].includes(String(fields?.['audioStatus'])) ? [id] : [],
      );
      const page = ids.sort().slice(0, limit);
      if ((await step('commit')) === 'away') return AWAY;
      documents.roundAfter = page.length < limit ? undefined : page.at(-1);
      if ((await step('answer')) === 'away') return AWAY;
      return { kind: 'page', stories: page.map((id) => sweptOf(id, storyIn(documents, id).fields ?? {})) };
    },
  };
};

/** Owed events in memory. */
export const createMemoryOwedEvents = (
  documents: MemoryDocuments,
  { step = async () => undefined }: Pick<MemoryOptions, 'step'>,
): OwedEvents => ({
  list: async (byMs, limit, from) => {
    if ((await step('read')) === 'away') return AWAY;
    const all = [...documents.owed].flatMap(([id, { event, sinceMs }]) =>
      sinceMs <= byMs ? [{ id, event, sinceMs }] : [],
    );
    all.sort((one, other) => one.sinceMs - other.sinceMs || (one.id < other.id ? -1 : 1));
    const { page, next } = pageOf(all, limit, from);
    return { kind: 'owed', events: page.map(({ event }) => event), next };
  },
  settle: async (id) => {
    if ((await step('commit')) === 'away') return AWAY;
    documents.owed.delete(id);
    return (await step('answer')) === 'away' ? AWAY : { kind: 'settled' };
  },
});
