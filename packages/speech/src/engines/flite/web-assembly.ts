/**
 * The few names of WebAssembly that we use, typed here: TypeScript keeps them in the browser's library, which would
 * bring `window` and its kin into a Node program.
 */
declare const moduleBrand: unique symbol;

/** A compiled program; it can be posted to another thread. */
export interface WasmModule {
  readonly [moduleBrand]: true;
}

export interface WasmMemory {
  /** Replaced by another when the memory grows. */
  readonly buffer: ArrayBuffer;
}

export type WasmImports = Readonly<Record<string, Readonly<Record<string, CallableFunction>>>>;

interface WasmApi {
  readonly compile: (bytes: Uint8Array) => Promise<WasmModule>;
  readonly Instance: new (
    module: WasmModule,
    imports: WasmImports,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}

export const wasm = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly;
