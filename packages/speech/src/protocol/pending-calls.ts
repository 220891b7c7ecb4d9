import { type ErrorReport, reportError, TalebackError, toTalebackError } from '@taleback/core/errors';
import type { Pcm } from '../audio/pcm.ts';
import type { SpeechChildEvents } from '../pool/speech-child.ts';
import { readSound } from './messages.ts';
import type { BareAnswer, SoundFile } from './protocol.ts';
import type { SoundFiles } from './sound-files.node.ts';

const FOREIGN_FILE = reportError(
  new TalebackError('model_failed', 'The speech process named a file that is not its own.'),
);
const NO_FILE = 'The speech process did not leave the sound that it spoke of.';
/** Answered calls of 1.0 whose files are remembered: a child that answers one twice does so soon. */
const MAX_ANSWERED = 32;

/** The calls that a child has not answered, and the files for their sound. Each ends once; each file is removed. */
export class PendingCalls {
  /**
   * A child of 1.0 has read a `hello` that it does not know and has not answered: it is busy with its model or printed
   * something first. Its complaint will come before the answer to the first call.
   */
  owesComplaint = false;
  readonly #files: SoundFiles;
  readonly #events: Pick<SpeechChildEvents, 'onSpoken' | 'onFailed'>;
  /** The file for the sound, by correlation id, in the order of the calls. */
  readonly #paths = new Map<string, string | undefined>();
  #answeredPaths: readonly (string | undefined)[] = [];
  /** Files that are being read, each for a call that was answered. */
  #readingCount = 0;
  #whenRead: (() => void) | undefined;

  constructor(files: SoundFiles, events: Pick<SpeechChildEvents, 'onSpoken' | 'onFailed'>) {
    this.#files = files;
    this.#events = events;
  }

  /** @param path The file that its sound is to be put into, if any. */
  add(correlationId: string, path: string | undefined): void {
    this.#paths.set(correlationId, path);
  }

  /** Does nothing for a call that is not pending. */
  fail(correlationId: string, error: ErrorReport): void {
    if (this.#remove(correlationId)) this.#events.onFailed(correlationId, error);
  }

  /** As `fail`. */
  answer(correlationId: string, sound: Pcm): void {
    if (this.#remove(correlationId)) this.#events.onSpoken(correlationId, sound);
  }

  /** As `fail`; only the file that was made for this call is read. */
  async answerByFile(correlationId: string, { path, ...format }: SoundFile): Promise<void> {
    if (path === undefined || this.#paths.get(correlationId) !== path) {
      this.fail(correlationId, FOREIGN_FILE);
      return;
    }
    this.#paths.delete(correlationId);
    this.#readingCount += 1;
    try {
      const bytes = await this.#files.take(path).catch((error: unknown) => {
        throw new TalebackError('audio_missing', NO_FILE, { details: String(error) });
      });
      this.#events.onSpoken(correlationId, readSound(format, bytes));
    } catch (error) {
      this.#events.onFailed(correlationId, reportError(toTalebackError(error)));
    }
    this.#readingCount -= 1;
    if (this.#readingCount === 0) this.#whenRead?.();
  }

  /**
   * Takes an answer of 1.0. They come in the order of the calls, but one that names a file belongs to the call with
   * that file, so that no sound ever reaches another caller. One that belongs to no call is dropped.
   */
  answerBare(answer: BareAnswer): void {
    const isComplaint = !answer.ok && this.owesComplaint;
    this.owesComplaint = false;
    if (isComplaint) return;
    const path = answer.ok ? answer.path : undefined;
    const pending = [...this.#paths];
    const named = pending.find(([, own]) => own === path);
    if (named === undefined && path !== undefined && this.#answeredPaths.includes(path)) return;
    const [correlationId, own] = named ?? pending[0] ?? [];
    if (correlationId === undefined) return;
    this.#answeredPaths = [...this.#answeredPaths, own].slice(-MAX_ANSWERED);
    if (answer.ok) void this.answerByFile(correlationId, { encoding: 'wav', sampleRateHz: undefined, path });
    else this.fail(correlationId, answer.error);
  }

  /** Drops the calls that are still pending. Calls `done` when every answer that came has been delivered. */
  close(done: () => void): void {
    for (const correlationId of this.#paths.keys()) this.#remove(correlationId);
    if (this.#readingCount === 0) done();
    else this.#whenRead = done;
  }

  /** @returns false when this call is not pending, or no longer. */
  #remove(correlationId: string): boolean {
    const path = this.#paths.get(correlationId);
    if (path !== undefined) this.#files.discard(path);
    return this.#paths.delete(correlationId);
  }
}
