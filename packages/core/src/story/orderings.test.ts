import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.ts';
import type { StoryMessage } from './message.ts';
import {
  type AttemptAudio,
  type AttemptStatus,
  type AudioStatus,
  type Change,
  isEnded,
  isUnderWay,
  readAttemptAudio,
  readStoryAudio,
} from './story-audio.ts';

const RUNS = process.env['TEST_SIZE'] === 'all' ? 5_000 : 1_500;
/** Between two openings or resets, the order and number of messages never change how a story ends. */

type Fields = Readonly<Record<string, unknown>>;
interface World {
  readonly story: Fields;
  readonly attempts: Readonly<Record<string, Fields>>;
  readonly events: readonly string[];
}

const START_MS = 1_800_000_000_000;
const contextAt = (step: number) =>
  ({
    source: 'callback',
    nowMs: START_MS + step,
    leaseMs: 60_000,
    autoRetry: { limit: 2, delaysMs: [1_000, 5_000] },
  }) as const;

const frozen = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    Object.values(value).forEach(frozen);
    Object.freeze(value);
  }
  return value;
};

const applyChange = (fields: Fields, { set, remove }: Change): Fields =>
  Object.fromEntries(Object.entries({ ...fields, ...set }).filter(([name]) => !remove.includes(name)));

/** Attempts are merged, so that each transition is kept beside the earlier ones. */
const applyToAttempt = (fields: Fields = {}, { set, remove }: Change): Fields => {
  const transitions = { ...(fields['transitions'] as object), ...(set['transitions'] as object) };
  return applyChange(fields, { set: { ...set, transitions }, remove });
};

const hasHoles = (fields: Fields): boolean =>
  Object.values(fields).some((value) => {
    if (value === undefined || value === null) return true;
    return typeof value === 'object' && !(value instanceof Date) && hasHoles(value as Fields);
  });

/** A change never writes null or undefined, and never writes what it removes. */
const isSound = ({ set, remove }: Change): boolean =>
  !hasHoles(set) && remove.every((name) => !Object.hasOwn(set, name));

const attemptOf = ({ attempts }: World, jobId: unknown): AttemptAudio | undefined => {
  const fields = typeof jobId === 'string' ? attempts[jobId] : undefined;
  return fields && readAttemptAudio(jobId as string, fields);
};

/** The attempt that a message names, by its own id or by RunPod's. */
const namedIn = (world: World, jobId: string | undefined): AttemptAudio | undefined =>
  attemptOf(world, jobId) ??
  attemptOf(
    world,
    Object.keys(world.attempts).find(
      (id) => world.attempts[id]?.['runpodJobId'] === jobId && jobId !== undefined,
    ),
  );

const step = (world: World, message: StoryMessage, at: number): World => {
  const attempts = {
    named: namedIn(world, message.jobId),
    current: attemptOf(world, world.story['audioJobId']),
  };
  const decision = decide(
    frozen(readStoryAudio(world.story)),
    frozen(attempts),
    frozen(message),
    contextAt(at),
  );
  const story = decision.story === undefined ? world.story : applyChange(world.story, decision.story);
  if (decision.story !== undefined) expect(isSound(decision.story)).toBe(true);
  const events = decision.event === undefined ? world.events : [...world.events, decision.event];
  if (decision.attempt === undefined) return { ...world, story, events };
  const { jobId, change } = decision.attempt;
  expect(isSound(change)).toBe(true);
  return {
    story,
    attempts: { ...world.attempts, [jobId]: applyToAttempt(world.attempts[jobId], change) },
    events,
  };
};

const run = (start: World, messages: readonly StoryMessage[]): World => messages.reduce(step, start);

// ---- The model: it looks at the whole set at once, and knows nothing of steps. ----

interface Expectation {
  readonly status: AudioStatus | undefined;
}

const modelOf = (start: World, messages: readonly StoryMessage[]): Expectation => {
  const { story } = start;
  const status = story['audioStatus'] as AudioStatus | undefined;
  const own = attemptOf(start, story['audioJobId']);
  const wasSetBack = isUnderWay(status) && isEnded(own?.status);
  const isOurs = !wasSetBack && own !== undefined && own.number > 0;

  /** Whether a message is new to its job, and whether its job counts for the story. */
  const judged = messages.map((message) => {
    const isRunpodOfOwn = message.jobId !== undefined && message.jobId === story['audioRunpodJobId'];
    const named = isRunpodOfOwn ? own : namedIn(start, message.jobId);
    const isOwn =
      !wasSetBack &&
      (message.jobId === undefined ||
        isRunpodOfOwn ||
        message.jobId === story['audioJobId'] ||
        (named !== undefined && named.jobId === own?.jobId));
    const before: AttemptStatus | undefined =
      isOwn || message.jobId === undefined ? ((isOwn ? own?.status : undefined) ?? status) : named?.status;
    const isForeignJob =
      !isOurs && (message.jobId === undefined || named === undefined || named.number === 0);
    const hasContent =
      named !== undefined &&
      named.number > 0 &&
      named.contentHash !== undefined &&
      named.contentHash === story['audioContentHash'];
    const counts = isOwn || isForeignJob || (message.kind === 'ready' && hasContent);
    return { message, before, counts };
  });
  if (status === 'ready') return { status };
  const has = (kind: StoryMessage['kind'], ends: readonly (AttemptStatus | undefined)[]): boolean =>
    judged.some(({ message, before, counts }) => counts && message.kind === kind && !ends.includes(before));
  if (has('ready', ['ready', 'cancelled'])) return { status: 'ready' };
  if (status === 'failed' || has('failed', ['ready', 'failed', 'cancelled'])) return { status: 'failed' };
  if (has('progress', ['ready', 'failed', 'cancelled'])) return { status: 'processing' };
  return { status };
};

// ---- Stories and messages ----

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
const anyText = fc.constantFrom('a', 'b', 'c');
const metadata = maybe(fc.constantFrom<Fields>({ n: 1 }, { m: 'x' }));

/** `ours` is current, `ours-old` an earlier attempt of ours; the others are foreign. */
const JOBS = ['ours', 'rp-ours', 'ours-old', 'rp-old', 'foreign', 'stranger', 'stranger-2'] as const;
const anyJob = maybe(fc.constantFrom(...JOBS));
const anyMessage: fc.Arbitrary<StoryMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('ready' as const),
    jobId: anyJob,
    audioUrl: maybe(anyText),
    storagePath: maybe(anyText),
    durationMs: maybe(fc.nat(9)),
    voiceId: maybe(anyText),
    voiceName: maybe(anyText),
    language: maybe(anyText),
    metadata,
  }),
  fc.record({
    kind: fc.constant('failed' as const),
    jobId: anyJob,
    error: anyText,
    details: maybe(anyText),
    code: fc.constantFrom('unknown' as const, 'disk_full' as const, 'voice_not_found' as const),
    retryable: fc.boolean(),
    metadata,
  }),
  fc.record({
    kind: fc.constant('progress' as const),
    jobId: fc.constantFrom(...JOBS),
    stage: anyText,
    progress: maybe(fc.constantFrom(0, 0.2, 0.5, 0.9, 1)),
  }),
);

const statuses = [undefined, 'pending', 'processing', 'ready', 'failed'] as const;
const known = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** What a server of ours wrote: a story whose status is that of its current attempt, unless another app changed it. */
const anyStart: fc.Arbitrary<World> = fc
  .record({
    owner: fc.constantFrom('ours', 'foreign', 'none'),
    status: fc.constantFrom(...statuses),
    /** The status that another app gave the story, if it did. */
    setTo: maybe(fc.constantFrom('pending' as const, 'processing' as const)),
    old: fc.constantFrom<AttemptStatus>('pending', 'processing', 'ready', 'failed', 'cancelled'),
    oldHash: fc.constantFrom('h', 'other', undefined),
    hash: fc.constantFrom('h', undefined),
    stranger: fc.constantFrom<AttemptStatus | undefined>(undefined, 'processing', 'failed', 'ready'),
  })
  .map(({ owner, status, setTo, old, oldHash, hash, stranger }) => {
    const jobId = owner === 'none' ? undefined : owner;
    const story = known({
      title: 'A tale',
      audioStatus: setTo ?? status,
      audioJobId: jobId,
      audioRunpodJobId: owner === 'ours' ? 'rp-ours' : undefined,
      audioAttempt: 2,
      audioContentHash: hash,
      audioUrl: status === 'ready' ? 'of-before' : undefined,
      audioLeaseExpiresAt: isUnderWay(status) ? new Date(START_MS) : undefined,
    });
    const attempts = {
      'ours-old': known({ number: 1, status: old, contentHash: oldHash, runpodJobId: 'rp-old' }),
      ...(owner === 'ours'
        ? { ours: known({ number: 2, status, contentHash: hash, runpodJobId: 'rp-ours' }) }
        : {}),
      ...(owner === 'foreign' ? { foreign: known({ status }) } : {}),
      ...(stranger === undefined ? {} : { stranger: { status: stranger } }),
    };
    return frozen({ story, attempts, events: [] });
  });

const withoutLease = ({ story }: World): Fields => {
  const { audioLeaseExpiresAt: _lease, ...rest } = story;
  return rest;
};

const statusOf = ({ story }: World): unknown => story['audioStatus'];

describe('any messages of our own and foreign jobs, duplicated and reordered', () => {
  it('end where the model says: ready if a ready counts, else failed if a failure does', () => {
    fc.assert(
      fc.property(anyStart, fc.array(anyMessage, { maxLength: 12 }), (start, messages) => {
        expect(statusOf(run(start, messages))).toBe(modelOf(start, messages).status);
      }),
      { numRuns: RUNS },
    );
  });

  it('end with the same status in every order', () => {
    const twoOrders = fc.array(anyMessage, { minLength: 1, maxLength: 6 }).chain((messages) => {
      const order = fc
        .array(fc.constantFrom(...messages), { maxLength: 4 })
        .chain((again) =>
          fc.shuffledSubarray([...messages, ...again], { minLength: messages.length + again.length }),
        );
      return fc.tuple(order, order);
    });
    fc.assert(
      fc.property(anyStart, twoOrders, (start, [one, other]) => {
        expect(statusOf(run(start, one))).toBe(statusOf(run(start, other)));
      }),
      { numRuns: RUNS },
    );
  });

  it('change nothing when they come again, but for the lease', () => {
    fc.assert(
      fc.property(
        anyStart,
        fc.array(anyMessage, { maxLength: 6 }),
        anyMessage,
        (start, messages, message) => {
          const once = step(run(start, messages), message, 50);
          const twice = step(once, message, 51);
          expect(withoutLease(twice)).toEqual(withoutLease(once));
          expect(twice.events).toEqual(once.events);
        },
      ),
      { numRuns: RUNS / 2 },
    );
  });

  it('write only statuses that a message contained', () => {
    fc.assert(
      fc.property(anyStart, fc.array(anyMessage, { maxLength: 8 }), (start, messages) => {
        const { attempts } = run(start, messages);
        for (const [id, { status }] of Object.entries(attempts)) {
          const about = messages.filter(
            ({ jobId }) => jobId === undefined || jobId === id || jobId.startsWith('rp-'),
          );
          const sent = about.map(({ kind }) => (kind === 'progress' ? 'processing' : kind));
          expect([start.attempts[id]?.['status'], ...sent]).toContain(status);
        }
      }),
      { numRuns: RUNS / 2 },
    );
  });

  it('publish an event for every end that is written, and number it', () => {
    fc.assert(
      fc.property(anyStart, fc.array(anyMessage, { maxLength: 8 }), (start, messages) => {
        const end = run(start, messages);
        expect(end.story['audioEventSequence'] ?? 0).toBe(end.events.length);
        const becameReady = statusOf(end) === 'ready' && statusOf(start) !== 'ready';
        expect(end.events.filter((event) => event === 'ready')).toHaveLength(Number(becameReady));
      }),
    );
  });

  it('are decided alike when a transaction is tried again', () => {
    fc.assert(
      fc.property(anyStart, fc.array(anyMessage, { maxLength: 4 }), (start, messages) => {
        expect(run(start, messages)).toEqual(run(start, messages));
      }),
    );
  });
});
