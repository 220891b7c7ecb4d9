import { WasiExit, WasiHost } from './wasi-host.ts';
import { type WasmMemory, type WasmModule, wasm } from './web-assembly.ts';

/** How one run of the program ended. */
export type ProgramEnd =
  | { readonly kind: 'returned' }
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'trapped'; readonly reason: string };

export interface ProgramRun {
  readonly end: ProgramEnd;
  /** The bytes of `out.wav`; none when it was not written. */
  readonly output: Uint8Array<ArrayBuffer>;
  readonly printed: string;
}

interface Instance {
  readonly host: WasiHost;
  readonly memory: WasmMemory;
  /** The memory as it was before the first run. */
  readonly image: Uint8Array;
  readonly start: () => void;
}

/**
 * An instance whose memory has grown beyond this is not used again: putting the image back must clear all of it,
 * which then costs as much as a new instance (about 26 ms).
 */
const MAX_REUSED_BYTES = 96 * 2 ** 20;

/**
 * flite as a program that is run again and again. Each run sees fresh memory: the first image is put back, which is
 * three times faster than a new instance and gives the same sound. After anything but a plain return the instance is
 * thrown away, because its stack pointer cannot be put back.
 */
export class FliteProgram {
  readonly #module: WasmModule;
  #instance: Instance | undefined;

  constructor(module: WasmModule) {
    this.#module = module;
  }

  run(args: readonly string[]): ProgramRun {
    const { host, memory, image, start } = this.#freshInstance();
    host.begin(['flite', ...args]);
    const end = runToEnd(start);
    if (end.kind !== 'returned' || memory.buffer.byteLength > MAX_REUSED_BYTES) {
      this.#instance = undefined;
    } else {
      restore(memory, image);
    }
    return { end, output: host.output.contents(), printed: host.printed };
  }

  #freshInstance(): Instance {
    if (this.#instance !== undefined) return this.#instance;
    const host = new WasiHost();
    const { exports } = new wasm.Instance(this.#module, { wasi_snapshot_preview1: host.imports() });
    const memory = exports['memory'] as WasmMemory;
    host.attach(memory);
    const image = new Uint8Array(memory.buffer).slice();
    this.#instance = { host, memory, image, start: exports['_start'] as () => void };
    return this.#instance;
  }
}

const restore = (memory: WasmMemory, image: Uint8Array): void => {
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(image);
  bytes.fill(0, image.length);
};

const runToEnd = (start: () => void): ProgramEnd => {
  try {
    start();
    return { kind: 'returned' };
  } catch (error) {
    if (error instanceof WasiExit) return { kind: 'exited', exitCode: error.exitCode };
    return { kind: 'trapped', reason: error instanceof Error ? error.message : String(error) };
  }
};
