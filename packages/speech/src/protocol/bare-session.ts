import type { ChildCall } from '../pool/speech-child.ts';
import { formatBareRequest } from './envelope-session.ts';
import type { PendingCalls } from './pending-calls.ts';
import { BARE_VERSION, type BareAnswer, type ChildMessage, type SoundFormat } from './protocol.ts';

const WAV: SoundFormat = { encoding: 'wav', sampleRateHz: undefined };

/** Speaks 1.0: bare objects, sound in files, answers in the order of the calls. */
export class BareSession {
  readonly version = BARE_VERSION;
  readonly #calls: PendingCalls;
  readonly #write: (line: string) => void;
  readonly #order = new BareCalls();

  /**
   * @param state `owesComplaint`: the child has read a `hello` that it does not know and has not answered. It is busy
   * with its model or printed something first, and its complaint will come before the answer to the first call.
   */
  constructor(
    calls: PendingCalls,
    write: (line: string) => void,
    { owesComplaint }: { readonly owesComplaint: boolean },
  ) {
    this.#calls = calls;
    this.#write = write;
    if (owesComplaint) this.#order.expectComplaint();
  }

  /** @throws TalebackError as `formatBareRequest` does; nothing was sent then. */
  speak(call: ChildCall): void {
    const path = this.#calls.addWithFile(call.correlationId);
    const line = formatBareRequest(call, path);
    this.#order.add(call.correlationId, path);
    this.#write(line);
  }

  /** @returns false for a message that is no answer of 1.0. */
  take(message: ChildMessage): boolean {
    if (message.kind !== 'bare' || message.answer === undefined) return false;
    const { answer } = message;
    const correlationId = this.#order.match(answer);
    if (correlationId === undefined) return true;
    if (answer.ok) void this.#calls.answerByFile(correlationId, answer.path, WAV);
    else this.#calls.fail(correlationId, answer.error);
    return true;
  }
}

interface BareCall {
  readonly correlationId: string;
  readonly path: string;
}

/** Answered calls whose files are remembered: a child that answers one twice does so soon. */
const MAX_ANSWERED = 32;

/**
 * Finds the call that an answer of 1.0 belongs to. Answers come in the order of the calls, but one that names a file
 * belongs to the call with that file, so that no sound ever reaches another caller.
 */
export class BareCalls {
  #pending: readonly BareCall[] = [];
  #answeredPaths: readonly string[] = [];
  #owesComplaint = false;

  expectComplaint(): void {
    this.#owesComplaint = true;
  }

  add(correlationId: string, path: string): void {
    this.#pending = [...this.#pending, { correlationId, path }];
  }

  /** @returns the call, which is no longer pending; undefined when the answer belongs to none. */
  match(answer: BareAnswer): string | undefined {
    const isComplaint = !answer.ok && this.#owesComplaint;
    this.#owesComplaint = false;
    if (isComplaint) return undefined;
    const path = answer.ok ? answer.path : undefined;
    const named = this.#pending.find((call) => call.path === path);
    if (named === undefined && path !== undefined && this.#answeredPaths.includes(path)) return undefined;
    const found = named ?? this.#pending[0];
    if (found === undefined) return undefined;
    this.#pending = this.#pending.filter((call) => call !== found);
    this.#answeredPaths = [...this.#answeredPaths, found.path].slice(-MAX_ANSWERED);
    return found.correlationId;
  }
}
