import type { ErrorReport } from '@taleback/core';
import type { Pcm } from '../audio/index.ts';
import type { FromSpeechThread, SpeechChunk } from '../engines/index.ts';
import type { OpenSpeechThread, SpeechThread } from './speech-thread.ts';

/** How one chunk ended on one thread. After all but the first two the thread is gone. */
export type SlotOutcome =
  | { readonly kind: 'spoken'; readonly pcm: Pcm }
  | { readonly kind: 'failed'; readonly error: ErrorReport }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'lost'; readonly cause: string };

/** Calls back once after a time, unless cancelled by the function it gives. */
export type StartTimer = (delayMs: number, onTime: () => void) => () => void;

export interface SlotOptions {
  readonly openThread: OpenSpeechThread;
  readonly chunkTimeoutMs: number;
  readonly startTimer: StartTimer;
}

interface Run {
  readonly id: number;
  readonly end: (outcome: SlotOutcome) => void;
}

/** One place in the pool: a thread, started when it is first needed and replaced when it was lost, and its chunk. */
export class ThreadSlot {
  readonly #options: SlotOptions;
  readonly #ending = new Set<Promise<void>>();
  #thread: SpeechThread | undefined;
  #run: Run | undefined;
  #lastId = 0;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  get isBusy(): boolean {
    return this.#run !== undefined;
  }

  get hasThread(): boolean {
    return this.#thread !== undefined;
  }

  /** Speaks one chunk. The slot must be free. Never rejects. */
  run(chunk: SpeechChunk, signal?: AbortSignal): Promise<SlotOutcome> {
    if (this.#run !== undefined) throw new Error('this slot has a chunk already');
    this.#lastId += 1;
    const id = this.#lastId;
    const { chunkTimeoutMs, startTimer } = this.#options;
    return new Promise((resolve) => {
      const stopTimer = startTimer(chunkTimeoutMs, () => this.#drop({ kind: 'timed-out' }));
      const abort = (): void => this.#drop({ kind: 'aborted' });
      signal?.addEventListener('abort', abort, { once: true });
      this.#run = {
        id,
        end: (outcome) => {
          stopTimer();
          signal?.removeEventListener('abort', abort);
          resolve(outcome);
        },
      };
      try {
        this.#thread ??= this.#open();
        this.#thread.post({ type: 'speak', id, chunk });
      } catch (error) {
        this.#drop({ kind: 'lost', cause: error instanceof Error ? error.message : String(error) });
      }
    });
  }

  /** Ends the thread, if there is one; its chunk ends as lost. */
  kill(cause: string): void {
    this.#drop({ kind: 'lost', cause });
  }

  /** Settles when every thread that this slot has ended is gone. */
  async settled(): Promise<void> {
    await Promise.all(this.#ending);
  }

  #open(): SpeechThread {
    const thread = this.#options.openThread({
      onMessage: (message) => {
        if (this.#thread === thread) this.#take(message);
      },
      onEnd: (cause) => {
        if (this.#thread === thread) this.#drop({ kind: 'lost', cause });
      },
    });
    return thread;
  }

  #take(message: FromSpeechThread): void {
    if (message.id !== this.#run?.id) {
      this.#drop({ kind: 'lost', cause: `answered chunk ${message.id} out of turn` });
      return;
    }
    this.#end(
      message.type === 'audio'
        ? { kind: 'spoken', pcm: { sampleRateHz: message.sampleRateHz, samples: message.samples } }
        : { kind: 'failed', error: message.error },
    );
  }

  #drop(outcome: SlotOutcome): void {
    const thread = this.#thread;
    this.#thread = undefined;
    if (thread !== undefined) {
      const ending = thread.terminate().finally(() => this.#ending.delete(ending));
      this.#ending.add(ending);
    }
    this.#end(outcome);
  }

  #end(outcome: SlotOutcome): void {
    const run = this.#run;
    this.#run = undefined;
    run?.end(outcome);
  }
}
