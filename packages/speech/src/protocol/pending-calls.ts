import {
  describeError,
  type ErrorReport,
  reportError,
  TalebackError,
  toTalebackError,
} from '@taleback/core/errors';
import type { Pcm } from '../audio/pcm.ts';
import { parseWav } from '../audio/wav.ts';
import type { SpeechChildEvents } from '../pool/speech-child.ts';
import type { SoundFormat, WireSound } from './protocol.ts';
import type { SoundFiles } from './sound-files.node.ts';

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

  add(correlationId: string): undefined {
    this.#paths.set(correlationId, undefined);
  }

  /** @returns the file that its sound is to be put into. */
  addWithFile(correlationId: string): string {
    const path = this.#files.newPath();
    this.#paths.set(correlationId, path);
    return path;
  }

  /** Does nothing for a call that is not pending. */
  fail(correlationId: string, error: ErrorReport): void {
    if (this.#remove(correlationId)) this.#events.onFailed(correlationId, error);
  }

  /** As `fail`. */
  answer(correlationId: string, sound: WireSound): void {
    if (sound.kind === 'file') void this.answerByFile(correlationId, sound.path, sound);
    else if (this.#remove(correlationId))
      this.#deliver(correlationId, () => readSound(sound, bytesOf(sound)));
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
      this.#deliver(correlationId, () => readSound(format, bytes));
    } catch (error) {
      this.#events.onFailed(correlationId, { ...NO_FILE, details: String(error) });
    }
    this.#readingCount -= 1;
    if (this.#readingCount === 0) this.#whenRead?.();
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

const bytesOf = (sound: Exclude<WireSound, { kind: 'file' }>): Uint8Array<ArrayBuffer> =>
  sound.kind === 'raw' ? sound.bytes : readBase64(sound.text);

const readSamples = (sampleRateHz: number | undefined, bytes: Uint8Array<ArrayBuffer>): Pcm => {
  if (sampleRateHz === undefined) throw unreadable('no sample rate');
  if (bytes.length % 2 === 1) throw unreadable(`${bytes.length} bytes are no 16-bit samples`);
  // Every machine that Node runs on is little-endian, or close enough to it that none was seen.
  return { sampleRateHz, samples: new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) };
};

const unreadable = (details: string): TalebackError =>
  new TalebackError('model_failed', 'The speech process answered with sound that cannot be read.', {
    details,
  });
