import { defineConfig } from 'vitest/config';

/** Our packages as sources, for what Vite loads and for the processes that tests start. */
const SOURCES = {
  resolve: { conditions: ['@taleback/source', 'node', 'development'] },
  ssr: { resolve: { conditions: ['@taleback/source', 'node', 'development'] } },
};
const execArgv = ['--conditions=@taleback/source'];
const ROOMS = '{packages/*,functions,worker,cli,scripts,bench,e2e}';

// The groups run one after the other: what starts emulators and browsers needs the machine for itself.
export default defineConfig({
  test: {
    projects: [
      {
        ...SOURCES,
        test: {
          name: 'unit',
          include: [`${ROOMS}/src/**/*.test.ts`],
          exclude: ['e2e/src/**'],
          environment: 'node',
          execArgv,
          // Property tests take seconds on a loaded machine.
          testTimeout: 60_000,
        },
      },
      './web/vite.config.ts',
      {
        ...SOURCES,
        test: {
          name: 'emulators',
          include: [`${ROOMS}/test/**/*.test.ts`],
          exclude: ['scripts/test/packages/**'],
          environment: 'node',
          execArgv,
          sequence: { groupOrder: 1 },
          globalSetup: ['scripts/src/emulators/vitest-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...SOURCES,
        test: {
          // Packs the published packages, installs them outside the project and runs their examples.
          name: 'packages',
          include: ['scripts/test/packages/**/*.test.ts'],
          environment: 'node',
          execArgv,
          sequence: { groupOrder: 3 },
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      {
        ...SOURCES,
        test: {
          name: 'e2e',
          include: ['e2e/src/**/*.test.ts'],
          environment: 'node',
          execArgv,
          sequence: { groupOrder: 2 },
          // It starts emulators of its own, not those of the group before.
          env: { FIRESTORE_EMULATOR_HOST: '', PUBSUB_EMULATOR_HOST: '' },
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 420_000,
        },
      },
    ],
  },
});
