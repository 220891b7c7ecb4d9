const FIRST_BYTES = 1 << 18;

/** A file that exists in memory only, with a bound on its size. */
export class VirtualFile {
  readonly #maxBytes: number;
  #bytes = new Uint8Array(FIRST_BYTES);
  #size = 0;
  #position = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get position(): number {
    return this.#position;
  }

  get size(): number {
    return this.#size;
  }

  /** A copy of what was written. */
  contents(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#size);
  }

  /** Empties it; the room it has taken is kept for the next use. */
  truncate(): void {
    this.#bytes.fill(0, 0, this.#size);
    this.#size = 0;
    this.#position = 0;
  }

  /** False when the position would be negative or beyond the bound. */
  seek(position: number): boolean {
    if (position < 0 || position > this.#maxBytes) return false;
    this.#position = position;
    return true;
  }

  /** False, and nothing written, when the file would grow beyond its bound. */
  write(data: Uint8Array): boolean {
    const end = this.#position + data.length;
    if (end > this.#maxBytes) return false;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(this.#maxBytes, end * 2));
      grown.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = grown;
    }
    this.#bytes.set(data, this.#position);
    this.#position = end;
    this.#size = Math.max(this.#size, end);
    return true;
  }

  /** Fills the target from the position on; gives the number of bytes read. */
  read(target: Uint8Array): number {
    const part = this.#bytes.subarray(this.#position, Math.min(this.#size, this.#position + target.length));
    target.set(part);
    this.#position += part.length;
    return part.length;
  }
}
