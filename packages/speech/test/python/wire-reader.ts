export interface WireFrame {
  readonly message: Readonly<Record<string, unknown>>;
  /** The bytes that `byteLength` announced. */
  readonly raw?: Buffer;
}

/** Takes a child's standard output apart by the letter of the protocol, and stops at the first byte out of place. */
export class WireReader {
  #rest = Buffer.alloc(0);
  /** Joined only when a frame may be whole: 64 MiB come in a thousand chunks. */
  #chunks: Buffer[] = [];
  #chunksBytes = 0;
  #awaitsRaw: { readonly message: WireFrame['message']; readonly byteLength: number } | undefined;
  readonly #onFrame: (frame: WireFrame) => void;

  constructor(onFrame: (frame: WireFrame) => void) {
    this.#onFrame = onFrame;
  }

  /** @throws Error for what is no frame */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#chunksBytes += chunk.length;
    const awaited = this.#awaitsRaw?.byteLength ?? 0;
    if (this.#rest.length + this.#chunksBytes <= awaited) return;
    this.#rest = Buffer.concat([this.#rest, ...this.#chunks]);
    this.#chunks = [];
    this.#chunksBytes = 0;
    while (this.#takeFrame());
  }

  #takeFrame(): boolean {
    const awaited = this.#awaitsRaw;
    if (awaited !== undefined) {
      const { message, byteLength } = awaited;
      if (this.#rest.length <= byteLength) return false;
      if (this.#rest[byteLength] !== 0x0a) throw new Error('no line end after the raw bytes');
      this.#awaitsRaw = undefined;
      this.#onFrame({ message, raw: this.#cut(byteLength) });
      return true;
    }
    const end = this.#rest.indexOf(0x0a);
    if (end === -1) return false;
    const line = this.#cut(end).toString('utf8');
    const message: unknown = JSON.parse(line);
    if (typeof message !== 'object' || message === null) throw new Error(`no object: ${line.slice(0, 200)}`);
    const fields = message as WireFrame['message'];
    const byteLength = fields['byteLength'];
    if (typeof byteLength === 'number') this.#awaitsRaw = { message: fields, byteLength };
    else this.#onFrame({ message: fields });
    return true;
  }

  /** The first bytes, without the line end after them. */
  #cut(size: number): Buffer {
    const bytes = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size + 1);
    return bytes;
  }
}
