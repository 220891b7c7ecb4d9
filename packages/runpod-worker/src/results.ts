import {
  Outbox,
  type OutboxOptions,
  type OutboxPolicy,
  type OutboxStore,
  type TryOutcome,
} from '@taleback/outbox';
import { classifyHttpStatus } from '@taleback/resilience';
import { z } from 'zod';
import { errorText } from './log.ts';
import {
  LOST_JOB_LIFETIME_MS,
  MAX_RETRY_AFTER_MS,
  MAX_RUNS,
  RESULT_BACKOFF,
  RESULT_LIFETIME_MS,
  RESULT_TIMEOUT_MS,
} from './pacing.ts';
import { type KeepableJob, type PlatformAccess, type RunpodJob, resultAddress } from './platform.ts';
import { refusedForSize } from './result-body.ts';

const takenJob = z.object({
  key: z.string().min(1),
  workerId: z.string().min(1),
  /** Epoch milliseconds. */
  takenAtMs: z.number(),
  /** How often it was begun, the coming run included. */
  runs: z.number().int().min(1),
  job: z.looseObject({ id: z.string().min(1), input: z.unknown() }),
});

/** A job that was taken and has no result yet. */
export interface TakenJob extends z.output<typeof takenJob> {
  readonly job: RunpodJob;
}

export interface JobResult {
  readonly key: string;
  readonly jobId: string;
  readonly url: string;
  /** JSON text, as it is posted. */
  readonly body: string;
}

export interface ResultsParts extends PlatformAccess {
  /** Where jobs and results are kept, so that a killed worker loses neither. */
  readonly store: OutboxStore;
  /** Keeps what that one does not take. */
  readonly memory: OutboxStore;
  readonly keepable: KeepableJob;
}

/** Above this a 400 is put down to the size. @see runpod-python#309 */
const SUSPICIOUS_BYTES = 10 * 1024 * 1024;
/** A result may be 20 MB, and unfold in JSON. */
const MAX_BODY_LENGTH = 64 * 1024 * 1024;
const MAX_EXCERPT_CHARACTERS = 300;

const LOST_ERROR = 'The worker was lost while it did the job.';

const POLICY: OutboxPolicy = {
  backoff: RESULT_BACKOFF,
  deadlineMs: RESULT_LIFETIME_MS,
  unauthorizedMs: 0,
  /** Everything but a lasting refusal is worth another attempt. */
  classify: ({ status, retryAfter }, nowMs) => {
    const { retryable, retryAfterMs = 0 } = classifyHttpStatus(status, retryAfter, nowMs);
    return {
      retryable: retryable || status < 400 || status >= 500,
      retryAfterMs: Math.min(retryAfterMs, MAX_RETRY_AFTER_MS),
    };
  },
};

/** What replaces a result that was refused for its size. */
const substituteFor: Required<OutboxOptions>['substituteFor'] = ({ url, messageId, body }, failure) => {
  const sizeBytes = Buffer.byteLength(body);
  const status = failure.kind === 'refused' ? failure.status : 0;
  const isForItsSize = status === 413 || (status === 400 && sizeBytes > SUSPICIOUS_BYTES);
  return isForItsSize
    ? { url, messageId: `${messageId}-size`, body: JSON.stringify(refusedForSize(sizeBytes)) }
    : undefined;
};

/** Jobs and results between a take and the accepted result. Nothing here rejects. */
export class Results {
  readonly #parts: ResultsParts;
  /** On the disk; then in memory, for what the disk does not take. */
  readonly #outboxes: readonly { readonly store: OutboxStore; readonly outbox: Outbox }[];
  /** Jobs of workers that were killed, oldest first. */
  readonly #left: TakenJob[] = [];

  constructor(parts: ResultsParts) {
    this.#parts = parts;
    const { clock, random, log } = parts;
    const common = { policy: POLICY, noun: 'result', maxBodyLength: MAX_BODY_LENGTH, clock, random, log };
    this.#outboxes = [parts.store, parts.memory].map((store) => ({
      store,
      outbox: new Outbox({
        ...common,
        store,
        send: ({ url, lane = '', body }, signal) => this.#send(url, lane, body, signal),
        substituteFor,
      }),
    }));
  }

  async open(): Promise<void> {
    for (const { outbox } of this.#outboxes) await outbox.open();
  }

  /** Jobs whose result the platform has neither accepted nor refused. */
  get jobIds(): readonly string[] {
    return this.#outboxes.flatMap(({ store }) => {
      try {
        return store.lanes();
      } catch {
        return [];
      }
    });
  }

  /** Keeps a job, so that it is not lost with this process. */
  keepJob(taken: TakenJob): Promise<void> {
    const { store, keepable } = this.#parts;
    return this.#logged('job not kept', { jobId: taken.job.id }, async () => {
      const job = await keepable(taken.job);
      await store.hold({ key: taken.key, value: JSON.stringify({ ...taken, job }) });
    });
  }

  /** No result is wanted. */
  forgetJob(key: string): Promise<void> {
    return this.#logged('outbox not updated', {}, () => this.#parts.store.release(key));
  }

  /** Keeps a result in place of its job, sends it, and waits for the first attempt, a few seconds at most. */
  async post({ key, jobId, url, body }: JobResult): Promise<void> {
    const message = { url, messageId: key, lane: jobId, body };
    let isKept = false;
    for (const { outbox } of this.#outboxes) {
      if (isKept) return;
      await this.#logged('result not kept; a crash would lose it', { jobId }, async () => {
        await outbox.deliver(message, { releases: key });
        isKept = true;
      });
    }
  }

  /** The next job to run of those that killed workers left. */
  nextLeft(): TakenJob | undefined {
    return this.#left.shift();
  }

  /** Looks for jobs that killed workers left: they are run once more, or answered. Their results are sent anyway. */
  collect(): Promise<void> {
    const { store, log } = this.#parts;
    return this.#logged('outbox not searched', {}, async () => {
      const held = await store.adopt();
      if (held.length > 0) log('warn', 'work of a lost worker found', { jobs: held.length });
      for (const { key, value } of held) {
        const taken = takenJob.safeParse(JSON.parse(value));
        if (taken.success) await this.#takeOver(taken.data);
        else log('error', 'a job of a lost worker cannot be read', { key });
      }
    });
  }

  /** Resolves when nothing waits that this process sends. */
  async drained(): Promise<void> {
    await Promise.all(this.#outboxes.map(({ outbox }) => outbox.drained()));
  }

  /** Ends every attempt; what is not accepted stays in the outbox. */
  async close(): Promise<void> {
    const { length: waiting } = this.jobIds;
    if (waiting > 0) this.#parts.log('warn', 'results left in the outbox', { waiting });
    await Promise.all(this.#outboxes.map(({ outbox }) => outbox.close(0)));
  }

  async #logged(fault: string, about: Record<string, unknown>, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#parts.log('error', fault, { ...about, error: errorText(error) });
    }
  }

  async #send(url: string, jobId: string, bytes: Uint8Array, signal: AbortSignal): Promise<TryOutcome> {
    const body = Buffer.from(bytes).toString('utf8');
    try {
      const asked = await this.#parts.platform.post({
        url,
        jobId,
        body,
        timeoutMs: RESULT_TIMEOUT_MS,
        signal,
      });
      if (asked.kind !== 'completed') return { kind: 'unanswered', cause: `no answer: ${asked.kind}` };
      const { status, retryAfter, body: text } = asked.value;
      if (status >= 200 && status <= 299) return { kind: 'accepted' };
      return { kind: 'not-accepted', status, retryAfter, excerpt: text.slice(0, MAX_EXCERPT_CHARACTERS) };
    } catch (error) {
      return { kind: 'unanswered', cause: errorText(error) };
    }
  }

  async #takeOver(taken: TakenJob): Promise<void> {
    const { clock, platform } = this.#parts;
    const isLate = clock.now() - taken.takenAtMs > LOST_JOB_LIFETIME_MS;
    if (taken.runs < MAX_RUNS && !isLate) return void this.#left.push({ ...taken, runs: taken.runs + 1 });
    const { key, workerId, job } = taken;
    const url = resultAddress(platform.settings, workerId, job.id, false);
    await this.post({ key, jobId: job.id, url, body: JSON.stringify({ error: LOST_ERROR }) });
  }
}
