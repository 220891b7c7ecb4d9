import { decideCancel, type ProgressMessage, type StoryMessage, type TtsJobEvent } from '@taleback/core';
import { publishOwed } from '@taleback/functions/src/events/publish-owed.ts';
import { requestAudio } from '@taleback/functions/src/request/request-audio.ts';
import { dispatchJob } from '@taleback/functions/src/runpod/dispatch.ts';
import { applyDecision } from '@taleback/functions/src/stories/apply-message.ts';
import { sweepStories } from '@taleback/functions/src/sweep/sweep.ts';
import { storyIn } from '@taleback/functions/test/memory-stories.ts';
import type { Step } from './plan.ts';
import { createRunpod } from './runpod.ts';
import type { Actor } from './scheduler.ts';
import { MAX_SKEW_MS, OWNER, type World } from './world.ts';

const ORDER = {
  webhookUrl: 'https://t.test/api/tts/runpod-webhook',
  urlSecret: 'the-secret-of-addresses',
  executionTimeoutMs: 600_000,
  ttlMs: 3_600_000,
} as const;
const SWEEP_EVERY_MS = 60_000;
const TEXTS = ['Once upon a time there was a tide.', 'Once upon a time there was a moon.'] as const;

const progressOf = (jobId: string, progress: number): ProgressMessage => ({
  kind: 'progress',
  jobId,
  stage: 'synthesizing',
  progress,
});
const readyOf = (
  jobId: string | undefined,
  { audioUrl, storagePath }: { readonly audioUrl?: string; readonly storagePath?: string },
): StoryMessage => ({
  kind: 'ready',
  jobId,
  audioUrl,
  storagePath,
  durationMs: 1_000,
  voiceId: undefined,
  voiceName: undefined,
  language: undefined,
  metadata: undefined,
});
const failedOf = (jobId: string | undefined, maker: string, retryable = true): StoryMessage => ({
  kind: 'failed',
  jobId,
  error: `${maker} could not`,
  details: undefined,
  code: 'timed_out',
  retryable,
  metadata: undefined,
});
const audioOf = (maker: string) => ({
  audioUrl: `https://a.test/${maker}.mp3`,
  storagePath: `p/${maker}.mp3`,
});

const millisOf = (value: unknown): number => (value instanceof Date ? value.getTime() : 0);

/** Everyone who acts in a history. */
export const createParties = (world: World) => {
  const { scheduler, actors, documents, ledger, audio, plan } = world;

  /** An outbox is durable: it sends until it is answered. */
  const sendSurely = async (name: string, storyId: string, message: StoryMessage): Promise<void> => {
    const sender = actors.spawn(name);
    for (let delayMs = 1_000; ; delayMs = Math.min(60_000, delayMs * 2)) {
      if ((await world.send(sender, storyId, message, runpodOf(sender))) !== undefined) return;
      await sender.pause(delayMs / 2, delayMs);
    }
  };

  /**
   * A worker of ours narrates a job and reports it under one of its names; undefined when it dies, or is not wanted any
   * more.
   */
  const narrate = async (
    worker: Actor,
    storyId: string,
    jobId: string,
    names: readonly (string | undefined)[],
  ) => {
    const { random } = worker;
    const named = names[random.between(0, names.length - 1)];
    const maker = `${jobId}.${worker.name}`;
    for (let share = 0.2; share < 0.9; share += 0.4) {
      await worker.pause(0, 25_000);
      if (worker.meets('worker dies', 0.05)) worker.crash();
      const outcome = await world.send(worker, storyId, progressOf(named ?? jobId, share), runpodOf(worker));
      if (outcome?.kind === 'decided' && !outcome.isWanted) return undefined;
    }
    await worker.pause(0, 5_000);
    if (random.chance(0.2)) {
      void sendSurely(`${maker}.outbox`, storyId, failedOf(named, maker, random.chance(0.7)));
      return { error: `${maker} could not` };
    }
    const made = audioOf(maker);
    audio.set(jobId, { ...made, sinceMs: scheduler.now() });
    if (worker.meets('worker dies with its audio', 0.05)) worker.crash();
    await worker.pause(0, 500);
    // A handler in the field may report no address, and gives it later.
    const isPartial = random.chance(0.3);
    const first = isPartial ? { storagePath: made.storagePath } : made;
    void sendSurely(`${maker}.outbox`, storyId, readyOf(named, first));
    if (isPartial && random.chance(0.5)) void sendSurely(`${maker}.outbox2`, storyId, readyOf(named, made));
    return { audio_url: made.audioUrl, storage_path: made.storagePath };
  };

  const runpod = createRunpod(world, ({ id, storyId, jobId }, worker) =>
    narrate(worker, storyId, jobId, [jobId, jobId, id, undefined]),
  );
  const runpodOf = (actor: Actor) => (plan.target === 'runpod' ? runpod.clientFor(actor) : undefined);

  world.consumeWith(async (actor, message) => {
    const { jobId = '', storyId = '' } = message.attributes;
    if (plan.target === 'runpod') {
      const isSent = (): boolean =>
        storyIn(documents, storyId).attempts.get(jobId)?.['runpodJobId'] !== undefined;
      const wasSent = isSent();
      const end = await dispatchJob(message, {
        ...world.partsOf(actor),
        runpod: runpod.clientFor(actor),
        deadLetters: {
          publish: (letter) => world.callOf(actor, 'pubsub', () => world.queued(letter)),
        },
        order: ORDER,
      });
      if (end === 'sent' && wasSent) ledger.fault(storyId, `${jobId} was sent to RunPod again`);
      if (end === 'sent' && !isSent() && !world.wasAway(actor))
        ledger.fault(storyId, `${jobId} has no id of RunPod`);
      return end;
    }
    const job = JSON.parse(message.data.toString()) as TtsJobEvent;
    await narrate(actor, storyId, job.id, [jobId, jobId, jobId, undefined]);
    return 'done';
  });

  const sweep = async (name: string): Promise<void> => {
    const actor = actors.spawn(name);
    const parts = world.partsOf(actor, 'sweep');
    const requests = world.requestsOf(actor);
    const { publishing } = parts;
    const work = sweepStories({
      ...parts,
      runpod: runpodOf(actor),
      findAudio: world.findAudio,
      requests,
    }).then(() => publishOwed({ ...parts, ...publishing }));
    await world.within(actor, 120_000, work);
  };

  /** Whether a sweep may find anything by a time: an empty one need not be simulated. */
  const mayFind = (byMs: number): boolean => {
    if (documents.owed.size > 0) return true;
    return [...documents.stories.values()].some(({ fields = {} }) => {
      const { audioStatus: status, audioLeaseExpiresAt: lease, audioRetryAt: retryAt } = fields;
      if (status === 'failed') return retryAt !== undefined && millisOf(retryAt) <= byMs;
      if (status !== 'pending' && status !== 'processing') return false;
      return lease === undefined || millisOf(lease) <= byMs;
    });
  };
  let rounds = 0;
  const sweepAlways = (): void => {
    rounds += 1;
    if (mayFind(scheduler.now() + MAX_SKEW_MS)) void sweep(`sweep${rounds}`);
    // Nothing can happen any more.
    if (scheduler.isIdle() && !mayFind(Infinity)) return;
    scheduler.after(SWEEP_EVERY_MS, sweepAlways);
  };

  /** Another app, or a person, writes straight into the database. */
  const write = (storyId: string, more: Readonly<Record<string, unknown>>): void => {
    const story = storyIn(documents, storyId);
    story.fields = { ...story.fields, ...more, updatedAt: new Date(scheduler.now()) };
    story.version += 1;
  };

  const edit = (storyId: string): void => {
    const isFirst = storyIn(documents, storyId).fields?.['text'] === TEXTS[0];
    write(storyId, { text: TEXTS[isFirst ? 1 : 0] });
    ledger.written(storyId, storyIn(documents, storyId).fields ?? {});
  };
  const request = async (
    step: Step & { kind: 'request' | 'retry' },
    kind: 'request' | 'retry',
    storyId: string,
  ): Promise<void> => {
    const actor = actors.spawn(step.id);
    if (step.isEdited) edit(storyId);
    const answer = await world.within(
      actor,
      30_000,
      requestAudio(kind, OWNER, { storyId }, world.requestsOf(actor)),
    );
    if (answer?.kind === 'unfit' || answer?.kind === 'no-such-story' || answer?.kind === 'invalid')
      ledger.fault(storyId, `a person was refused: ${answer.kind}`);
    const attempt = storyIn(documents, storyId).attempts.get(world.opened.get(step.id) ?? '');
    const isWaiting = attempt?.['status'] === 'pending';
    if (answer?.kind === 'queue-away' && isWaiting && !world.wasAway(actor))
      ledger.fault(storyId, 'waits for a job that was not queued');
  };

  const cancel = (step: Step, storyId: string): void => {
    const actor = actors.spawn(step.id);
    const parts = world.partsOf(actor, 'cancel');
    const context = { source: 'person', nowMs: parts.now(), leaseMs: 0 } as const;
    const target = { storyId, jobId: undefined };
    const work = applyDecision(target, (...seen) => decideCancel(...seen, context), parts);
    void world.within(actor, 30_000, work);
  };

  const foreign = async (step: Step & { kind: 'foreign' }, storyId: string): Promise<void> => {
    const app = actors.spawn(step.id);
    const maker = `${step.id}.${step.job}`;
    const named = step.isNamed ? step.job : undefined;
    if (step.hasProgress) await world.send(app, storyId, progressOf(step.job, 0.5), runpodOf(app));
    if (step.end === 'none') return;
    await app.pause(1_000, 60_000);
    const message = step.end === 'ready' ? readyOf(named, audioOf(maker)) : failedOf(named, maker);
    for (let copy = 1; copy <= step.copies; copy += 1)
      void (step.hasOutbox
        ? sendSurely(`${step.id}.outbox${copy}`, storyId, message)
        : world.send(actors.spawn(`${step.id}.once${copy}`), storyId, message, runpodOf(app)));
  };

  /** A message about a job of ours that its worker did not send now: late, early, repeated or of another server. */
  const stray = async (step: Step & { kind: 'stray' }, storyId: string): Promise<void> => {
    const sender = actors.spawn(step.id);
    const own = [...storyIn(documents, storyId).attempts].filter(
      ([, attempt]) => Number(attempt['number'] ?? 0) > 0,
    );
    const jobId = own[step.nth]?.[0];
    if (jobId === undefined) return;
    const atRunpod = [...runpod.jobs.values()].find((one) => one.jobId === jobId)?.id;
    const named = step.as === 'own' ? jobId : (atRunpod ?? jobId);
    const maker = `${jobId}.${step.id}`;
    const made = audio.get(jobId);
    if (step.end === 'progress') {
      await world.send(sender, storyId, progressOf(named, 0.3), runpodOf(sender));
      return;
    }
    await sendSurely(
      `${step.id}.outbox`,
      storyId,
      step.end === 'ready'
        ? readyOf(named, {
            ...audioOf(maker),
            ...(step.isSameFile && made !== undefined ? { storagePath: made.storagePath } : {}),
          })
        : failedOf(named, maker),
    );
  };

  const act = (step: Step): void => {
    if (step.kind === 'outage') {
      if (plan.hasFaults) world.outages.set(step.of, scheduler.now() + step.forMs);
      return;
    }
    if (step.kind === 'sweep') return void sweep(step.id);
    const storyId = `story-${step.story}`;
    switch (step.kind) {
      case 'request':
      case 'retry':
        return void request(step, step.kind, storyId);
      case 'cancel':
        return cancel(step, storyId);
      case 'reset':
        write(storyId, { audioStatus: 'pending' });
        return ledger.reset(storyId, storyIn(documents, storyId));
      case 'runpod-retry':
        return runpod.retry(storyId);
      case 'foreign':
        return void foreign(step, storyId);
      case 'stray':
        return void stray(step, storyId);
      default:
        return step satisfies never;
    }
  };

  return { act, sweepAlways };
};
