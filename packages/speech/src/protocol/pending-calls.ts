import { type ErrorReport, reportError, TalebackError, toTalebackError } from '@taleback/core/errors';
import type { Pcm } from '../audio/pcm.ts';
import { parseWav } from '../audio/wav.ts';
import type { SpeechChildEvents } from '../pool/speech-child.ts';
import { UNREADABLE_SOUND } from './messages.ts';
import type { BareAnswer, SoundFormat, WireSound } from './protocol.ts';
import type { SoundFiles } from './sound-files.node.ts';

const FOREIGN_FILE = reportError(
  new TalebackError('model_failed', 'The speech process named a file that is not its own.'),
);
/** What the file of an answer of 1.0 is. */
const WAV: SoundFormat = { encoding: 'wav', sampleRateHz: undefined };
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

  /** As `fail`; only the file that was made for this call is read. */
  answer(correlationId: string, sound: WireSound): void {
    if (sound.kind === 'file') void this.#answerByFile(correlationId, sound.path, sound);
    else if (this.#remove(correlationId))
      this.#deliver(correlationId, () =>
        readSound(sound, sound.kind === 'raw' ? sound.bytes : readBase64(sound.text)),
      );
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
    if (answer.ok) void this.#answerByFile(correlationId, path, WAV);
    else this.fail(correlationId, answer.error);
  }

  /** Drops the calls that are still pending. Calls `done` when every answer that came has been delivered. */
  close(done: () => void): void {
    for (const correlationId of this.#paths.keys()) this.#remove(correlationId);
    if (this.#readingCount === 0) done();
    else this.#whenRead = done;
  }

  async #answerByFile(correlationId: string, path: string | undefined, format: SoundFormat): Promise<void> {
    if (path === undefined || this.#paths.get(correlationId) !== path) {
      this.fail(correlationId, FOREIGN_FILE);
      return;
    }
    this.#paths.delete(correlationId);
    this.#readingCount += 1;
    try {
      const bytes = await this.#files.take(path);
      this.#deliver(correlationId, () => readSound(format, bytes));
    } catch (error) {
      const message = 'The speech process did not leave the sound that it spoke of.';
      const fault = new TalebackError('audio_missing', message, { details: String(error) });
      this.#events.onFailed(correlationId, reportError(fault));
    }
    this.#readingCount -= 1;
    if (this.#readingCount === 0) this.#whenRead?.();
  }

  /** @returns false when this call is not pending, or no longer. */
  #remove(correlationId: string): boolean {
    const path = this.#paths.get(correlationId);
    if (path !== undefined) this.#files.discard(path);
    return this.#paths.delete(correlationId);
  }

  #deliver(correlationId: string, read: () => Pcm): void {
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

/** Rates that speech engines work at lie well within these; anything else is a broken header. */
const SAMPLE_RATE_HZ = { min: 8_000, max: 192_000 } as const;

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Samples out of bytes of the wire, which then belong to the sound.
 *
 * @throws TalebackError `model_failed` when they are not what they claim to be.
 */
export const readSound = ({ encoding, sampleRateHz }: SoundFormat, bytes: Uint8Array<ArrayBuffer>): Pcm => {
  const sound = encoding === 'wav' ? parseWav(bytes) : readSamples(sampleRateHz, bytes);
  const rate = sound.sampleRateHz;
  if (!Number.isInteger(rate) || rate < SAMPLE_RATE_HZ.min || rate > SAMPLE_RATE_HZ.max) {
    throw unreadable(`a sample rate of ${rate} Hz`);
  }
  return sound;
};

/** @throws TalebackError `model_failed` for anything but base64 (Node's own reader skips what it does not know). */
export const readBase64 = (text: string): Uint8Array<ArrayBuffer> => {
  if (text.length % 4 !== 0 || !BASE64.test(text)) throw unreadable('no base64');
  return new Uint8Array(Buffer.from(text, 'base64'));
};

const readSamples = (sampleRateHz: number | undefined, bytes: Uint8Array<ArrayBuffer>): Pcm => {
  if (sampleRateHz === undefined) throw unreadable('no sample rate');
  if (bytes.length % 2 === 1) throw unreadable(`${bytes.length} bytes are no 16-bit samples`);
  // Node's machines are little-endian, as the wire is.
  return { sampleRateHz, samples: new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) };
};

const unreadable = (details: string): TalebackError =>
  new TalebackError('model_failed', UNREADABLE_SOUND, { details });
