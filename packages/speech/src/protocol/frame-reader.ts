import { isRecord, parseJson } from '@taleback/core/json';
import { MAX_LINE_BYTES, MAX_RAW_BYTES, RAW_VERSION } from './protocol.ts';

/** One line that is a JSON object, with the raw bytes that followed it, in a buffer of their own. */
export interface Frame {
  readonly message: Readonly<Record<string, unknown>>;
  readonly raw: Uint8Array<ArrayBuffer> | undefined;
}

export interface FrameEvents {
  readonly onFrame: (frame: Frame) => void;
  /** A line that is neither empty nor a JSON object: its start, for a log. */
  readonly onNoise: (excerpt: string) => void;
  /** Nothing that follows can be trusted. Called once; later chunks are ignored. */
  readonly onBroken: (reason: string) => void;
}

interface RawPart {
  readonly message: Frame['message'];
  readonly raw: Uint8Array<ArrayBuffer>;
  filledBytes: number;
}

const NEWLINE = 0x0a;
const NOISE_EXCERPT_CHARACTERS = 200;

/** Cuts a byte stream, in whatever pieces it comes, into lines and the raw bytes after them. Used by both sides. */
export class FrameReader {
  readonly #events: FrameEvents;
  #lineParts: Buffer[] = [];
  #lineBytes = 0;
  #part: RawPart | undefined;
  #isBroken = false;

  constructor(events: FrameEvents) {
    this.#events = events;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.#isBroken) {
      rest = rest.subarray(this.#part === undefined ? this.#takeLine(rest) : this.#takeRaw(rest, this.#part));
    }
  }

  /** @returns how many bytes of the chunk were taken */
  #takeLine(chunk: Buffer): number {
    const newlineAt = chunk.indexOf(NEWLINE);
    const part = newlineAt === -1 ? chunk : chunk.subarray(0, newlineAt);
    this.#lineParts.push(part);
    this.#lineBytes += part.length;
    if (this.#lineBytes > MAX_LINE_BYTES) this.#break(`a line of more than ${MAX_LINE_BYTES} bytes`);
    if (newlineAt === -1 || this.#isBroken) return chunk.length;
    const line = this.#lineParts.length === 1 ? part : Buffer.concat(this.#lineParts);
    this.#lineParts = [];
    this.#lineBytes = 0;
    this.#readLine(line.toString('utf8'));
    return newlineAt + 1;
  }

  #readLine(line: string): void {
    const message = parseObject(line);
    if (message === undefined) {
      const text = line.slice(0, NOISE_EXCERPT_CHARACTERS).trim();
      if (text !== '') this.#events.onNoise(text);
      return;
    }
    const byteLength = message['version'] === RAW_VERSION ? (message['byteLength'] ?? undefined) : undefined;
    if (byteLength === undefined) {
      this.#events.onFrame({ message, raw: undefined });
    } else if (
      typeof byteLength === 'number' &&
      byteLength >= 0 &&
      byteLength <= MAX_RAW_BYTES &&
      Number.isInteger(byteLength)
    ) {
      // Not set to 0: every byte is written before the frame is passed on.
      const raw = new Uint8Array(Buffer.allocUnsafeSlow(byteLength).buffer);
      this.#part = { message, raw, filledBytes: 0 };
    } else {
      this.#break(`a byteLength that is no whole number from 0 to ${MAX_RAW_BYTES}`);
    }
  }

  /** As `takeLine`. */
  #takeRaw(chunk: Buffer, part: RawPart): number {
    const { message, raw } = part;
    const taken = chunk.subarray(0, raw.length - part.filledBytes);
    raw.set(taken, part.filledBytes);
    part.filledBytes += taken.length;
    if (part.filledBytes < raw.length || taken.length === chunk.length) return taken.length;
    if (chunk[taken.length] !== NEWLINE) {
      this.#break('raw bytes that do not end where they should');
      return chunk.length;
    }
    this.#part = undefined;
    this.#events.onFrame({ message, raw });
    return taken.length + 1;
  }

  #break(reason: string): void {
    this.#isBroken = true;
    this.#lineParts = [];
    this.#part = undefined;
    this.#events.onBroken(reason);
  }
}

const parseObject = (line: string): Frame['message'] | undefined => {
  // Most noise is recognised without an exception.
  if (!/^[ \t]*\{/.test(line)) return undefined;
  const value = parseJson(line);
  return isRecord(value) ? value : undefined;
};
