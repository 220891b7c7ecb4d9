import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** A file of the built page, as far as its size is concerned. */
export interface BuiltFile {
  /** The chunk's name, without the hash of its file. */
  readonly name: string;
  readonly code: string;
}

/** Chunks that hold other people's code; vite.config.ts gives them these names. */
export const VENDOR_CHUNKS: readonly string[] = ['firebase', 'preact'];

/** Gzipped bytes of what the page downloads of our own code. */
export const ownGzipBytes = (files: readonly BuiltFile[]): number =>
  files
    .filter(({ name }) => !VENDOR_CHUNKS.includes(name))
    .reduce((sum, { code }) => sum + gzipSync(code).byteLength, 0);

/** Fails the build when our own code outgrows its budget. */
export const sizeBudget = (maxBytes: number): Plugin => ({
  name: 'taleback-size-budget',
  apply: 'build',
  generateBundle(_options, bundle) {
    const scripts = Object.values(bundle).filter((file) => file.type === 'chunk');
    const bytes = ownGzipBytes(scripts);
    const words = `own code is ${bytes} of ${maxBytes} bytes, gzipped`;
    if (bytes > maxBytes) this.error(words);
    this.info(words);
  },
});
