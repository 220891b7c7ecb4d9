import { describeError, type ErrorReport, reportError, toTalebackError } from '@taleback/core';
import type { Pcm } from '../audio/index.ts';
import type { SpeechChildEvents } from '../manager/index.ts';
import type { SoundFiles } from './child-transport.ts';
import type { SoundFormat, WireSound } from './messages.ts';
import { readBase64, readSound } from './read-sound.ts';

const FOREIGN_FILE: ErrorReport = {
  code: 'model_failed',
  message: 'The speech process named a file that is not its own.',
  retryable: describeError('model_failed').retryable,
};
const NO_FILE: ErrorReport = {
  code: 'audio_missing',
  message: 'The speech process did not leave the sound that it spoke of.',
  retryable: describeError('audio_missing').retryable,
};

/** The calls that a child has not answered, and the files for their sound. Each ends once; each file is removed. */
export class PendingCalls {
  readonly #files: SoundFiles;
  readonly #events: Pick<SpeechChildEvents, 'onSpoken' | 'onFailed'>;
  readonly #paths = new Map<string, string | undefined>();
  /** Files that are being read, each for a call that was answered. */
  #readingCount = 0;
  #whenRead: (() => void) | undefined;

  constructor(files: SoundFiles, events: Pick<SpeechChildEvents, 'onSpoken' | 'onFailed'>) {
    this.#files = files;
    this.#events = events;
  }

  add(correlationId: string): void {
    this.#paths.set(correlationId, undefined);
  }

  /** @returns the file that its sound is to be put into. */
  addWithFile(correlationId: string): string {
    const path = this.#files.newPath();
    this.#paths.set(correlationId, path);
    return path;
  }

  /** An answer to a call that does not wait is dropped. */
  fail(correlationId: string, error: ErrorReport): void {
    if (this.#end(correlationId)) this.#events.onFailed(correlationId, error);
  }

  /** As `fail`. */
  answer(correlationId: string, sound: WireSound): void {
    if (sound.kind === 'file') {
      void this.answerByFile(correlationId, sound.path, sound);
    } else if (this.#end(correlationId)) {
      this.#tell(correlationId, () =>
        readSound(sound, sound.kind === 'raw' ? sound.bytes : readBase64(sound.text)),
      );
    }
  }

  /** As `answer`; only the file that was made for this call is read. */
  async answerByFile(correlationId: string, path: string | undefined, format: SoundFormat): Promise<void> {
    if (path === undefined || this.#paths.get(correlationId) !== path) {
      this.fail(correlationId, FOREIGN_FILE);
      return;
    }
    this.#paths.delete(correlationId);
    this.#readingCount += 1;
    try {
      const bytes = await this.#files.take(path);
      this.#tell(correlationId, () => readSound(format, bytes));
    } catch (error) {
      this.#events.onFailed(correlationId, { ...NO_FILE, details: String(error) });
    }
    this.#readingCount -= 1;
    if (this.#readingCount === 0) this.#whenRead?.();
  }

  /** No more answers come. `done` when those that came are told; whoever still waits is told nothing. */
  close(done: () => void): void {
    for (const correlationId of this.#paths.keys()) this.#end(correlationId);
    if (this.#readingCount === 0) done();
    else this.#whenRead = done;
  }

  /** @returns false when nobody waits for this answer, or not any more. */
  #end(correlationId: string): boolean {
    const path = this.#paths.get(correlationId);
    if (path !== undefined) this.#files.discard(path);
    return this.#paths.delete(correlationId);
  }

  #tell(correlationId: string, read: () => Pcm): void {
    let sound: Pcm;
    try {
      sound = read();
    } catch (error) {
      this.#events.onFailed(correlationId, reportError(toTalebackError(error)));
      return;
    }
    this.#events.onSpoken(correlationId, sound);
  }
}
