import * as fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { describeError } from '../errors/catalogue.ts';
import { decide } from './decide.ts';
import type { StoryMessage } from './message.ts';
import { type AudioStatus, type Change, readAttemptAudio, readStoryAudio } from './story-audio.ts';

/** Whatever order a story's messages arrive in, and however often, it ends where a reader of the whole list says. */

type Fields = Readonly<Record<string, unknown>>;
interface World {
  readonly story: Fields;
  readonly attempts: Readonly<Record<string, Fields>>;
}

const START_MS = 1_800_000_000_000;
const LEASE_MS = 60_000;
const RETRY_DELAYS_MS = [1_000, 5_000];
const contextAt = (step: number) =>
  ({
    source: 'callback',
    nowMs: START_MS + step,
    leaseMs: LEASE_MS,
    autoRetry: { limit: 2, delaysMs: RETRY_DELAYS_MS },
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

/** Attempts are merged, so that each transition stands beside those of before. */
const applyToAttempt = (fields: Fields = {}, { set, remove }: Change): Fields => {
  const transitions = { ...(fields['transitions'] as object), ...(set['transitions'] as object) };
  return applyChange(fields, { set: { ...set, transitions }, remove });
};

const hasHoles = (fields: Fields): boolean =>
  Object.values(fields).some((value) => {
    if (value === undefined || value === null) return true;
    return typeof value === 'object' && !(value instanceof Date) && hasHoles(value as Fields);
  });

/** A change never writes null or undefined, and never writes what it takes away. */
const isSound = ({ set, remove }: Change): boolean =>
  !hasHoles(set) && remove.every((name) => !Object.hasOwn(set, name));

const step = (world: World, message: StoryMessage, at: number): World => {
  const named = message.jobId === undefined ? undefined : world.attempts[message.jobId];
  const attempt = named === undefined ? undefined : readAttemptAudio(named);
  const decision = decide(
    frozen(readStoryAudio(world.story)),
    frozen(attempt),
    frozen(message),
    contextAt(at),
  );
  const story = 'story' in decision ? applyChange(world.story, decision.story) : world.story;
  if ('story' in decision) expect(isSound(decision.story)).toBe(true);
  if (!('attempt' in decision) || decision.attempt === undefined) return { ...world, story };
  const { jobId, change } = decision.attempt;
  expect(isSound(change)).toBe(true);
  return { story, attempts: { ...world.attempts, [jobId]: applyToAttempt(world.attempts[jobId], change) } };
};

const run = (start: World, messages: readonly StoryMessage[]): World => messages.reduce(step, start);

// ---- The model: it looks at the whole list at once, and knows nothing of steps. ----

const without = (fields: Fields, prefix: RegExp): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !prefix.test(name)));
const known = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
const ERROR = /^audioError/;
const AUDIO = /^audio(Url|StoragePath|DurationMs|Metadata)$/;
const RUNNING = /^audio(Progress|LeaseExpiresAt)$/;
const RETRY = /^audio(RetryAt|AutoRetries|AutoRetry)$/;

const currentJobOf = (start: Fields, messages: readonly StoryMessage[]): string | undefined =>
  (start['audioJobId'] as string | undefined) ??
  messages.find((message) => message.jobId !== undefined)?.jobId;

const isOf =
  (job: unknown, start: Fields) =>
  (message: StoryMessage): boolean =>
    message.jobId === undefined || message.jobId === job || message.jobId === start['audioRunpodJobId'];

/** Twice after failures that pass, for a story whose attempts are counted. */
const modelRetryAt = (
  start: Fields,
  failed: Extract<StoryMessage, { kind: 'failed' }>,
  index: number,
): Date | undefined => {
  const delayMs = RETRY_DELAYS_MS[Number(start['audioAutoRetries'] ?? 0)];
  const passes = failed.retryable && ['internal', 'resource'].includes(describeError(failed.code).category);
  if (!start['audioAttempt'] || delayMs === undefined || !passes) return undefined;
  return new Date(START_MS + index + delayMs);
};

const modelStory = (start: Fields, messages: readonly StoryMessage[]): Fields => {
  const job = currentJobOf(start, messages);
  const base = known({ ...start, audioJobId: job });
  const mine = messages.filter(isOf(job, start));
  const ready = mine.find((message) => message.kind === 'ready');
  const failed = mine.find((message) => message.kind === 'failed');
  const isReadyBefore = start['audioStatus'] === 'ready';
  if (ready !== undefined && !isReadyBefore) {
    return {
      ...without(without(without(without(base, ERROR), AUDIO), RUNNING), RETRY),
      ...known({
        audioStatus: 'ready',
        audioUrl: ready.audioUrl,
        audioStoragePath: ready.storagePath,
        audioDurationMs: ready.durationMs,
        audioMetadata: ready.metadata,
        voiceId: ready.voiceId,
        voiceName: ready.voiceName,
        language: ready.language,
      }),
    };
  }
  if (isReadyBefore || start['audioStatus'] === 'failed') return base;
  if (failed !== undefined) {
    return {
      ...without(without(without(base, ERROR), RUNNING), /^audioRetryAt$/),
      ...known({
        audioRetryAt: modelRetryAt(start, failed, messages.indexOf(failed)),
        audioStatus: 'failed',
        audioError: failed.error,
        audioErrorDetails: failed.details,
        audioErrorCode: failed.code,
        audioErrorRetryable: failed.retryable,
        audioErrorMetadata: failed.metadata,
      }),
    };
  }
  const shares = mine.flatMap((message) => (message.kind === 'progress' ? [message.progress ?? 0] : []));
  if (shares.length === 0) return base;
  const before = start['audioStatus'] === 'processing' ? Number(start['audioProgress'] ?? 0) : 0;
  const last = messages.findLastIndex((message) => message.kind === 'progress' && mine.includes(message));
  return {
    ...base,
    audioStatus: 'processing',
    audioProgress: Math.max(before, ...shares),
    audioLeaseExpiresAt: new Date(START_MS + last + LEASE_MS),
  };
};

const RANK: readonly (AudioStatus | undefined)[] = [undefined, 'pending', 'processing', 'failed', 'ready'];

/** How a story and its attempts stand in the end. */
interface Outcome {
  readonly story: Fields;
  readonly statuses: Readonly<Record<string, unknown>>;
}

/** How an attempt ends: at the best that was ever told of it. */
const modelAttempt = (before: unknown, told: readonly StoryMessage[]): AudioStatus | undefined => {
  const statuses = told.map((message) => (message.kind === 'progress' ? 'processing' : message.kind));
  const ranks = [before as AudioStatus | undefined, ...statuses].map((status) => RANK.indexOf(status));
  return RANK[Math.max(...ranks)];
};

const modelWorld = (start: World, messages: readonly StoryMessage[]): Outcome => {
  const story = modelStory(start.story, messages);
  const job = currentJobOf(start.story, messages);
  const isMine = isOf(job, start.story);
  const fenced = [
    ...new Set(messages.filter((message) => !isMine(message)).map(({ jobId }) => String(jobId))),
  ];
  const before = Object.entries(start.attempts).map(([id, { status }]) => [id, status] as const);
  const others = fenced.map((id) => {
    const told = messages.filter(({ jobId }) => jobId === id);
    return [id, modelAttempt(start.attempts[id]?.['status'], told)] as const;
  });
  const mine = job === undefined ? [] : ([[job, story['audioStatus']]] as const);
  return { story, statuses: known(Object.fromEntries([...before, ...others, ...mine])) };
};

const outcomeOf = ({ story, attempts }: World): Outcome => ({
  story,
  statuses: known(Object.fromEntries(Object.entries(attempts).map(([id, { status }]) => [id, status]))),
});

// ---- Stories and messages ----

const JOB = 'job-current';
const RUNPOD = 'rp-current';
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
const anyText = fc.constantFrom('a', 'b', 'c');
const metadata = maybe(fc.constantFrom<Fields>({ n: 1 }, { m: 'x' }));

const readyOf = (jobId: fc.Arbitrary<string | undefined>): fc.Arbitrary<StoryMessage> =>
  fc.record({
    kind: fc.constant('ready' as const),
    jobId,
    audioUrl: maybe(anyText),
    storagePath: maybe(anyText),
    durationMs: maybe(fc.nat(9)),
    voiceId: maybe(anyText),
    voiceName: maybe(anyText),
    language: maybe(anyText),
    metadata,
  });
const failedOf = (jobId: fc.Arbitrary<string | undefined>): fc.Arbitrary<StoryMessage> =>
  fc.record({
    kind: fc.constant('failed' as const),
    jobId,
    error: anyText,
    details: maybe(anyText),
    code: fc.constantFrom('unknown' as const, 'disk_full' as const, 'voice_not_found' as const),
    retryable: fc.boolean(),
    metadata,
  });
const progressOf = (jobId: fc.Arbitrary<string>): fc.Arbitrary<StoryMessage> =>
  fc.record({
    kind: fc.constant('progress' as const),
    jobId,
    stage: anyText,
    progress: maybe(fc.constantFrom(0, 0.2, 0.5, 0.9, 1)),
  });

const anyJob = fc.constantFrom(JOB, RUNPOD, 'job-old', 'job-older');
const anyMessage = fc.oneof(
  readyOf(maybe(anyJob)),
  failedOf(maybe(anyJob)),
  progressOf(anyJob),
  progressOf(anyJob),
);

const groupFields: Readonly<Record<AudioStatus, Fields>> = {
  pending: { audioLeaseExpiresAt: new Date(START_MS), audioUrl: 'of-before', audioProgress: 0.4 },
  processing: { audioLeaseExpiresAt: new Date(START_MS), audioProgress: 0.3 },
  ready: { audioUrl: 'of-before', audioDurationMs: 3 },
  failed: {
    audioError: 'of-before',
    audioErrorCode: 'unknown',
    audioErrorDetails: 'd',
    audioStoragePath: 'of-before',
    audioRetryAt: new Date(START_MS),
  },
};

const startOf = (
  status: AudioStatus | undefined,
  hasJob: boolean,
  old?: AudioStatus,
  autoRetries?: number,
): World => {
  const story = known({
    title: 'A tale',
    voiceId: 'v0',
    audioStatus: status,
    ...(status === undefined ? {} : groupFields[status]),
    ...(hasJob
      ? { audioJobId: JOB, audioRunpodJobId: RUNPOD, audioAttempt: 2, audioAutoRetries: autoRetries }
      : {}),
  });
  const attempts = {
    ...(hasJob ? { [JOB]: known({ status }) } : {}),
    ...(old === undefined ? {} : { 'job-old': { status: old } }),
  };
  return frozen({ story, attempts });
};
const statuses = [undefined, 'pending', 'processing', 'ready', 'failed'] as const;
const anyStart = fc
  .tuple(
    fc.constantFrom(...statuses),
    fc.boolean(),
    fc.constantFrom(...statuses),
    fc.constantFrom(undefined, 1, 2, 3),
  )
  .map(([status, hasJob, old, autoRetries]) =>
    startOf(status, hasJob, hasJob ? old : undefined, hasJob ? autoRetries : undefined),
  );

describe('any messages, duplicated and reordered', () => {
  it('end where the model says', () => {
    fc.assert(
      fc.property(
        anyStart,
        fc.array(anyMessage, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (start, messages, again) => {
          const repeated = again.flatMap((index) =>
            messages.slice(index % Math.max(1, messages.length)).slice(0, 2),
          );
          const all = [...messages, ...repeated];
          expect(outcomeOf(run(start, all))).toEqual(modelWorld(start, all));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('end where the model says, in each of the sequences of up to four', () => {
    const blank = {
      audioUrl: 'u',
      storagePath: undefined,
      durationMs: undefined,
      voiceId: undefined,
      voiceName: undefined,
      language: undefined,
      metadata: undefined,
    };
    const alphabet: readonly StoryMessage[] = [
      { kind: 'ready', jobId: JOB, ...blank },
      { kind: 'ready', jobId: undefined, ...blank, audioUrl: 'nameless' },
      { kind: 'ready', jobId: 'job-old', ...blank, audioUrl: 'old' },
      {
        kind: 'failed',
        jobId: RUNPOD,
        error: 'e',
        details: undefined,
        code: 'unknown',
        retryable: true,
        metadata: undefined,
      },
      {
        kind: 'failed',
        jobId: 'job-old',
        error: 'old',
        details: 'd',
        code: 'disk_full',
        retryable: true,
        metadata: undefined,
      },
      { kind: 'progress', jobId: JOB, stage: 's', progress: 0.8 },
      { kind: 'progress', jobId: 'job-old', stage: 's', progress: 0.2 },
    ];
    const sequences = (length: number): readonly (readonly StoryMessage[])[] =>
      length === 0
        ? [[]]
        : sequences(length - 1).flatMap((head) => alphabet.map((message) => [...head, message]));
    const surprises: (readonly StoryMessage[])[] = [];
    for (const start of [startOf('pending', true), startOf(undefined, false)]) {
      for (const length of [1, 2, 3, 4]) {
        for (const messages of sequences(length)) {
          const end = outcomeOf(run(start, messages));
          if (!isDeepStrictEqual(end, modelWorld(start, messages))) surprises.push(messages);
        }
      }
    }
    expect(surprises).toEqual([]);
  });
});

/** Times tell when something came, so they alone depend on the order; whether a retry is due does not. */
const comparable = ({ story }: World): Fields => ({
  ...without(story, /^audio(LeaseExpiresAt|RetryAt)$/),
  waits: Object.hasOwn(story, 'audioRetryAt'),
});

const historyOf = ({ attempts }: World): unknown =>
  Object.entries(attempts).map(([id, fields]) => [id, without(fields, /^updatedAt$/)]);

describe('messages of one job', () => {
  const oneJob = fc.boolean().chain((hasJob) => {
    const names = hasJob
      ? fc.constantFrom<(string | undefined)[]>(JOB, RUNPOD, undefined)
      : fc.constantFrom(JOB, undefined);
    return fc.record({
      start: fc.constantFrom(...statuses).map((status) => startOf(status, hasJob)),
      named: progressOf(fc.constant(JOB)),
      ready: fc.array(readyOf(names), { maxLength: 1 }),
      failed: fc.array(failedOf(names), { maxLength: 1 }),
      progress: fc.array(progressOf(hasJob ? fc.constantFrom(JOB, RUNPOD) : fc.constant(JOB)), {
        maxLength: 3,
      }),
    });
  });

  it('at most one ready and one failure of which are distinct, end alike in every order', () => {
    const twoOrders = oneJob.chain(({ start, named, ready, failed, progress }) => {
      const distinct = [named, ...ready, ...failed, ...progress];
      const order = fc
        .array(fc.constantFrom(...distinct), { maxLength: 6 })
        .chain((again) =>
          fc.shuffledSubarray([...distinct, ...again], { minLength: distinct.length + again.length }),
        );
      return fc.tuple(fc.constant(start), order, order);
    });
    fc.assert(
      fc.property(twoOrders, ([start, one, other]) => {
        expect(comparable(run(start, one))).toEqual(comparable(run(start, other)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('told twice are told once, but for the lease', () => {
    fc.assert(
      fc.property(
        anyStart,
        fc.array(anyMessage, { maxLength: 6 }),
        anyMessage,
        (start, messages, message) => {
          const before = run(start, messages);
          const once = step(before, message, 50);
          const twice = step(once, message, 51);
          expect(comparable(twice)).toEqual(comparable(once));
          expect(historyOf(twice)).toEqual(historyOf(once));
        },
      ),
      { numRuns: 500 },
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
