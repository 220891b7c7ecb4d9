import { isRecord } from '@taleback/core/json';
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
  readonly bytes: Uint8Array<ArrayBuffer>;
  filledBytes: number;
}

const NEWLINE = 0x0a;
const OPENING_BRACE = 0x7b;
const SPACE = 0x20;
const TAB = 0x09;
const NOISE_EXCERPT_CHARACTERS = 200;

/** Cuts a byte stream, in whatever pieces it comes, into lines and the raw bytes after them. Used by both sides. */
export class FrameReader {
  readonly #events: FrameEvents;
  #lineParts: Buffer[] = [];
  #lineBytes = 0;
  #raw: RawPart | undefined;
  #isBroken = false;

  constructor(events: FrameEvents) {
    this.#events = events;
  }

  push(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length && !this.#isBroken) {
      offset =
        this.#raw === undefined ? this.#takeLine(chunk, offset) : this.#takeRaw(chunk, offset, this.#raw);
    }
  }

  #takeLine(chunk: Buffer, offset: number): number {
    const newlineAt = chunk.indexOf(NEWLINE, offset);
    const end = newlineAt === -1 ? chunk.length : newlineAt;
    this.#lineBytes += end - offset;
    if (this.#lineBytes > MAX_LINE_BYTES) {
      this.#break(`a line of more than ${MAX_LINE_BYTES} bytes`);
      return chunk.length;
    }
    if (newlineAt === -1) {
      this.#lineParts.push(chunk.subarray(offset));
      return chunk.length;
    }
    const last = chunk.subarray(offset, end);
    const line = this.#lineParts.length === 0 ? last : Buffer.concat([...this.#lineParts, last]);
    this.#lineParts = [];
    this.#lineBytes = 0;
    this.#readLine(line);
    return end + 1;
  }

  #readLine(line: Buffer): void {
    const message = parseObject(line);
    if (message === undefined) {
      const text = line.toString('utf8', 0, NOISE_EXCERPT_CHARACTERS).trim();
      if (text !== '') this.#events.onNoise(text);
      return;
    }
    const byteLength = message['version'] === RAW_VERSION ? (message['byteLength'] ?? undefined) : undefined;
    if (byteLength === undefined) this.#events.onFrame({ message, raw: undefined });
    else if (isRawLength(byteLength)) this.#raw = { message, bytes: unfilled(byteLength), filledBytes: 0 };
    else this.#break(`a byteLength that is no whole number from 0 to ${MAX_RAW_BYTES}`);
  }

  #takeRaw(chunk: Buffer, offset: number, raw: RawPart): number {
    const { bytes, message } = raw;
    const end = Math.min(chunk.length, offset + bytes.length - raw.filledBytes);
    bytes.set(chunk.subarray(offset, end), raw.filledBytes);
    raw.filledBytes += end - offset;
    if (raw.filledBytes < bytes.length || end === chunk.length) return end;
    if (chunk[end] !== NEWLINE) {
      this.#break('raw bytes that do not end where they should');
      return chunk.length;
    }
    this.#raw = undefined;
    this.#events.onFrame({ message, raw: bytes });
    return end + 1;
  }

  #break(reason: string): void {
    this.#isBroken = true;
    this.#lineParts = [];
    this.#raw = undefined;
    this.#events.onBroken(reason);
  }
}

const isRawLength = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_RAW_BYTES;

const parseObject = (line: Buffer): Frame['message'] | undefined => {
  // Most noise is recognised without an exception.
  const [first] = line;
  if (first !== OPENING_BRACE && first !== SPACE && first !== TAB) return undefined;
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** Bytes that are not set to 0, in a buffer of their own: each is written before the frame is passed on. */
const unfilled = (byteLength: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.allocUnsafeSlow(byteLength).buffer);
