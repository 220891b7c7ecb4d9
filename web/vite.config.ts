import { preact } from '@preact/preset-vite';
import { defineConfig } from 'vitest/config';
import { sizeBudget } from './size-budget.ts';

/** What the page may weigh beside Preact and Firebase, in gzipped bytes. */
const OWN_CODE_BYTES = 30 * 1024;

export default defineConfig({
  resolve: { conditions: ['@taleback/source', 'module', 'browser', 'development|production'] },
  plugins: [preact(), sizeBudget(OWN_CODE_BYTES)],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // Firebase is one file on purpose: it is loaded whole, after first paint.
    chunkSizeWarningLimit: 700,
    // The first browsers that know light-dark(), so that it is not rewritten.
    target: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    rolldownOptions: {
      // Importing core for its sentences must not include its parsers, which the page never calls.
      treeshake: {
        moduleSideEffects: [{ test: /[\\/]core[\\/]src[\\/]|[\\/]zod[\\/]/, sideEffects: false }],
      },
      output: {
        codeSplitting: {
          groups: [
            { name: 'firebase', test: /node_modules[\\/](@?firebase|idb)[\\/]/ },
            { name: 'preact', test: /node_modules[\\/]@?preact[\\/]/ },
          ],
        },
      },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['**/*.test.{ts,tsx}'],
  },
});
