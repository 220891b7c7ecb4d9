import { errorFromReport, TalebackError } from '@taleback/core';
import type { Pcm } from '../audio/index.ts';
import { cancellationOf, type SpeechChunk, type SynthesisOptions } from '../engines/index.ts';
import type { OpenSpeechThread } from './speech-thread.ts';
import { type SlotOutcome, type StartTimer, ThreadSlot } from './thread-slot.ts';

/** A full chunk takes 0.1 to 1.4 s; a minute is a thread that hangs. */
const CHUNK_TIMEOUT_MS = 60_000;
/** A chunk that outlived one thread gets one more, in case the thread was the trouble and not the chunk. */
const MAX_ATTEMPTS = 2;

export interface SpeechPoolOptions {
  readonly openThread: OpenSpeechThread;
  /** Threads, at least 1. */
  readonly size: number;
  /** Longest time a chunk may take on a thread, its start included, in milliseconds. Default 60,000. */
  readonly chunkTimeoutMs?: number | undefined;
  /** Default: `setTimeout`. */
  readonly startTimer?: StartTimer | undefined;
}

interface Job {
  readonly chunk: SpeechChunk;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (pcm: Pcm) => void;
  readonly reject: (error: TalebackError) => void;
  /** 1-based once it runs. */
  attempt: number;
}

const startTimeout: StartTimer = (delayMs, onTime) => {
  const timer = setTimeout(onTime, delayMs);
  return () => clearTimeout(timer);
};

/**
 * Speech threads with one queue, first come first served, one chunk per thread at a time. Threads start when there
 * is work for them. Aborting a chunk that runs ends its thread; the next chunk starts another. A chunk whose thread
 * dies is tried once more on a fresh one, ahead of the queue.
 */
export class SpeechPool {
  readonly #slots: readonly ThreadSlot[];
  readonly #queue: Job[] = [];
  #isClosed = false;

  constructor(options: SpeechPoolOptions) {
    const { openThread, size, chunkTimeoutMs = CHUNK_TIMEOUT_MS, startTimer = startTimeout } = options;
    if (!Number.isInteger(size) || size < 1)
      throw new RangeError(`size is ${size}, but a pool needs 1 or more`);
    this.#slots = Array.from(
      { length: size },
      () => new ThreadSlot({ openThread, chunkTimeoutMs, startTimer }),
    );
  }

  get size(): number {
    return this.#slots.length;
  }

  /** What an operator sees of it. */
  stats(): { readonly threads: number; readonly busy: number; readonly waiting: number } {
    return {
      threads: this.#slots.filter(({ hasThread }) => hasThread).length,
      busy: this.#slots.filter(({ isBusy }) => isBusy).length,
      waiting: this.#queue.length,
    };
  }

  /**
   * Speaks a chunk as soon as a thread is free.
   *
   * @throws TalebackError the engine's own, `timed_out`, `worker_lost` after two threads were lost, what
   * `cancellationOf` makes of the signal, and `job_cancelled` when the pool closes.
   */
  synthesizeChunk(chunk: SpeechChunk, { signal }: SynthesisOptions = {}): Promise<Pcm> {
    if (this.#isClosed) return Promise.reject(closing());
    if (signal?.aborted === true) return Promise.reject(cancellationOf(signal));
    return new Promise((resolve, reject) => {
      const leaveQueue = (): void => this.#leaveQueue(job);
      const job: Job = {
        chunk,
        signal,
        attempt: 0,
        resolve: (pcm) => {
          signal?.removeEventListener('abort', leaveQueue);
          resolve(pcm);
        },
        reject: (error) => {
          signal?.removeEventListener('abort', leaveQueue);
          reject(error);
        },
      };
      signal?.addEventListener('abort', leaveQueue, { once: true });
      this.#queue.push(job);
      this.#startWaiting();
    });
  }

  /**
   * Ends the thread of one place (0-based), as an operator does with one that misbehaves. Its chunk, if it has one,
   * is tried again on a fresh thread.
   */
  killThread(index: number): void {
    const slot = this.#slots[index];
    if (slot === undefined) throw new RangeError(`there is no thread ${index} in a pool of ${this.size}`);
    slot.kill('killed');
  }

  /** Rejects every chunk that runs or waits, and settles when all threads are gone. Safe to call again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#queue.splice(0)) job.reject(closing());
    for (const slot of this.#slots) slot.kill('the pool is closing');
    await Promise.all(this.#slots.map((slot) => slot.settled()));
  }

  #startWaiting(): void {
    while (this.#queue.length > 0) {
      const free = this.#slots.filter(({ isBusy }) => !isBusy);
      const slot = free.find(({ hasThread }) => hasThread) ?? free[0];
      const job = slot && this.#queue.shift();
      if (slot === undefined || job === undefined) return;
      void this.#speak(slot, job);
    }
  }

  async #speak(slot: ThreadSlot, job: Job): Promise<void> {
    job.attempt += 1;
    this.#settle(job, await slot.run(job.chunk, job.signal));
    this.#startWaiting();
  }

  #settle(job: Job, outcome: SlotOutcome): void {
    switch (outcome.kind) {
      case 'spoken':
        job.resolve(outcome.pcm);
        return;
      case 'failed':
        job.reject(errorFromReport(outcome.error));
        return;
      case 'aborted':
        job.reject(job.signal === undefined ? closing() : cancellationOf(job.signal));
        return;
      case 'timed-out':
        job.reject(new TalebackError('timed_out', 'A part of the text took too long to speak.'));
        return;
      case 'lost':
        this.#settleLost(job, outcome.cause);
    }
  }

  #settleLost(job: Job, cause: string): void {
    if (this.#isClosed) job.reject(closing());
    else if (job.signal?.aborted === true) job.reject(cancellationOf(job.signal));
    else if (job.attempt < MAX_ATTEMPTS) this.#queue.unshift(job);
    else job.reject(new TalebackError('worker_lost', 'The speech thread was lost.', { details: cause }));
  }

  #leaveQueue(job: Job): void {
    const at = this.#queue.indexOf(job);
    if (at === -1 || job.signal === undefined) return;
    this.#queue.splice(at, 1);
    job.reject(cancellationOf(job.signal));
  }
}

const closing = (): TalebackError => new TalebackError('job_cancelled', 'The narrator is closing.');
