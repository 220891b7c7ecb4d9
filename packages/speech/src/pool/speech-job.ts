import type { TalebackError } from '@taleback/core';
import type { Lane, Priority, Queueable } from '@taleback/resilience';
import type { Pcm } from '../audio/index.ts';
import type { SpeechRequest } from './speech-child.ts';

export interface JobEnd {
  readonly resolve: (sound: Pcm) => void;
  readonly reject: (error: TalebackError) => void;
}

/** A request on its way through the pool. It ends exactly once, whatever is said to it afterwards. */
export class SpeechJob implements Queueable<SpeechJob> {
  previous: SpeechJob | undefined = undefined;
  next: SpeechJob | undefined = undefined;
  lane: Lane<SpeechJob> | undefined = undefined;

  readonly id: number;
  readonly request: SpeechRequest;
  readonly model: string;
  readonly priority: Priority;
  readonly acceptedAtMs: number;
  /** Tries begun. */
  attempts = 0;
  /** Since when it waits for a worker, epoch milliseconds. */
  waitingSinceMs: number;
  /** Where it was tried last, so that another worker is preferred. */
  lastWorkerId = '';
  /** Stops listening for an abort, or a wait before the next try. */
  release: () => void = () => {};
  readonly #end: JobEnd;
  #isEnded = false;

  constructor(id: number, request: SpeechRequest, model: string, acceptedAtMs: number, end: JobEnd) {
    this.id = id;
    this.request = request;
    this.model = model;
    this.priority = request.priority ?? 'normal';
    this.acceptedAtMs = acceptedAtMs;
    this.waitingSinceMs = acceptedAtMs;
    this.#end = end;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** @returns false when it had ended already. */
  succeed(sound: Pcm): boolean {
    if (!this.#finish()) return false;
    this.#end.resolve(sound);
    return true;
  }

  /** @returns false when it had ended already. */
  fail(error: TalebackError): boolean {
    if (!this.#finish()) return false;
    this.#end.reject(error);
    return true;
  }

  #finish(): boolean {
    if (this.#isEnded) return false;
    this.#isEnded = true;
    this.release();
    return true;
  }
}
