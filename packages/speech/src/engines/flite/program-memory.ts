import type { WasmMemory } from './web-assembly.ts';

/** A program's memory as its host reads and writes it. Views are made anew, because growth leaves the old ones behind. */
export class ProgramMemory {
  #memory: WasmMemory | undefined;

  attach(memory: WasmMemory): void {
    this.#memory = memory;
  }

  /** For little-endian numbers. */
  get view(): DataView {
    return new DataView(this.#buffer);
  }

  /** A pointer arrives as a signed number, so the upper half of the memory has to be made positive. */
  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer, at >>> 0, length);
  }

  /** The parts that an array of `iovec` or `ciovec` points to. */
  *vectors(vectorsAt: number, vectorCount: number): Generator<Uint8Array> {
    for (let index = 0; index < vectorCount; index += 1) {
      const at = vectorsAt + index * 8;
      yield this.bytes(this.view.getUint32(at, true), this.view.getUint32(at + 4, true));
    }
  }

  get #buffer(): ArrayBuffer {
    if (this.#memory === undefined) throw new Error('the program has no memory yet');
    return this.#memory.buffer;
  }
}
