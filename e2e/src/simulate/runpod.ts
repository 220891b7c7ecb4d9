import type { RunpodOrder } from '@taleback/functions/src/runpod/client.ts';
import { parseRunpodReport } from '@taleback/functions/src/runpod/report.ts';
import { applyWebhook } from '@taleback/functions/src/runpod/webhook.ts';
import type { Actor } from './scheduler.ts';
import type { World } from './world.ts';

export interface RunpodJob {
  readonly id: string;
  readonly storyId: string;
  readonly jobId: string;
  state: 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'TIMED_OUT' | 'CANCELLED';
  output: Readonly<Record<string, unknown>> | undefined;
  endedAtMs: number | undefined;
  runs: number;
}

/** Narrates a job, and returns what the handler does; undefined when its worker dies. */
export type Narrate = (
  job: RunpodJob,
  worker: Actor,
) => Promise<Readonly<Record<string, unknown>> | undefined>;

/** RunPod remembers a job for so long after its end. */
const MEMORY_MS = 30 * 60_000;
const WEBHOOK_TRIES = 3;
/** A run whose worker died is ended by its execution timeout. */
const EXECUTION_TIMEOUT_MS = 120_000;
/** Away or not is drawn for a whole call, with its retries. */
const AWAY = { kind: 'away', code: 'provider_unavailable', cause: 'no answer from RunPod' } as const;

const isEnded = ({ state }: RunpodJob): boolean => state !== 'IN_QUEUE' && state !== 'IN_PROGRESS';

/** RunPod as a client sees it, and its webhook. */
export const createRunpod = (world: World, narrate: Narrate) => {
  const { scheduler, actors, newId, callOf } = world;
  const jobs = new Map<string, RunpodJob>();

  const statusFor = (actor: Actor) => async (id: string) => {
    try {
      const report = await callOf(actor, 'runpod', () => {
        const job = jobs.get(id);
        if (job === undefined || scheduler.now() - (job.endedAtMs ?? Infinity) > MEMORY_MS) return undefined;
        return { id, status: job.state, ...(job.output === undefined ? {} : { output: job.output }) };
      });
      return report === undefined ? ({ kind: 'not-found' } as const) : ({ kind: 'found', report } as const);
    } catch {
      return AWAY;
    }
  };

  /** RunPod calls the webhook until it is answered with 200, three times at most. */
  const callWebhook = async (job: RunpodJob): Promise<void> => {
    const caller = actors.spawn(`${job.id}.webhook${job.runs}`);
    for (let tries = 1; tries <= WEBHOOK_TRIES; tries += 1) {
      await caller.pause(100, 5_000);
      if (caller.meets('webhook lost', 0.1)) continue;
      const parsed = parseRunpodReport({ id: job.id, status: job.state, output: job.output });
      if (!parsed.ok) throw new Error(parsed.sentence);
      const actor = actors.spawn(`${caller.name}.${tries}`);
      const { storyId, jobId } = job;
      const audioUrl = job.output?.['audio_url'] as string | undefined;
      const storagePath = job.output?.['storage_path'] as string | undefined;
      const hasAudio = audioUrl !== undefined || storagePath !== undefined;
      const words = job.output?.['error'] as string | undefined;
      const report = hasAudio
        ? ({ kind: 'ready', storyId, named: jobId, audioUrl, storagePath } as const)
        : ({ kind: 'failed', storyId, named: jobId, words } as const);
      const work = applyWebhook({ storyId, jobId }, parsed.value, {
        ...world.partsOf(actor, report),
        confirmWith: { status: statusFor(actor) },
      });
      const answer = await world.within(actor, 20_000, work);
      const attempt = world.documents.stories.get(storyId)?.attempts.get(jobId);
      const isApplied = attempt?.['status'] !== 'pending' && attempt?.['status'] !== 'processing';
      if (answer?.kind === 'accepted' && attempt?.['runpodJobId'] === job.id && !isApplied && job.runs === 1)
        world.ledger.fault(storyId, `a webhook of ${jobId} was accepted and not applied`);
      if (answer?.kind === 'accepted' && !caller.meets('answer lost', 0.05)) return;
    }
  };

  const run = async (job: RunpodJob): Promise<void> => {
    job.runs += 1;
    const worker = actors.spawn(`${job.id}.w${job.runs}`);
    await worker.pause(0, 30_000);
    if (isEnded(job)) return;
    job.state = 'IN_PROGRESS';
    const output = await world.within(worker, EXECUTION_TIMEOUT_MS, narrate(job, worker));
    if (isEnded(job)) return;
    job.endedAtMs = scheduler.now();
    job.output = output;
    const isFailed = output?.['error'] !== undefined;
    job.state = output === undefined ? 'TIMED_OUT' : isFailed ? 'FAILED' : 'COMPLETED';
    await callWebhook(job);
  };

  return {
    jobs,
    run,
    /** The client as a process has it. */
    clientFor: (actor: Actor) => ({
      run: async (order: RunpodOrder) => {
        const metadata = order.input['metadata'] as { readonly story_id: string; readonly job_id: string };
        if (actor.random.chance(0.02))
          return {
            kind: 'refused',
            status: 400,
            code: 'provider_rejected',
            cause: 'RunPod answered 400',
          } as const;
        try {
          const runpodJobId = await callOf(actor, 'runpod', () => {
            const { story_id: storyId, job_id: jobId } = metadata;
            const id = newId('rp-');
            const made: RunpodJob = {
              id,
              storyId,
              jobId,
              state: 'IN_QUEUE',
              output: undefined,
              endedAtMs: undefined,
              runs: 0,
            };
            jobs.set(id, made);
            void run(made);
            return id;
          });
          return { kind: 'accepted', runpodJobId } as const;
        } catch {
          return AWAY;
        }
      },
      status: statusFor(actor),
      cancel: async (id: string) => {
        const job = jobs.get(id);
        if (job !== undefined && !isEnded(job)) {
          job.state = 'CANCELLED';
          job.endedAtMs = scheduler.now();
        }
        return { kind: 'cancelled' } as const;
      },
    }),
    /** An operator runs a failed job of a story again, under the same id. */
    retry: (storyId: string): void => {
      const job = [...jobs.values()].findLast((one) => one.storyId === storyId && one.state === 'FAILED');
      if (job === undefined) return;
      job.state = 'IN_QUEUE';
      job.endedAtMs = undefined;
      job.output = undefined;
      void run(job);
    },
  };
};

export type Runpod = ReturnType<typeof createRunpod>;
