import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Our packages as sources, for what Vite loads and for the processes that tests start. */
const SOURCES = {
  resolve: { conditions: ['@taleback/source', 'node', 'development'] },
  ssr: { resolve: { conditions: ['@taleback/source', 'node', 'development'] } },
};
const execArgv = ['--conditions=@taleback/source'];
/** Vitest would leave one core free. */
const maxWorkers = Math.max(2, availableParallelism() - 1);
/** Half of its processes die every second: it needs the machine for itself. */
const ALONE = 'packages/speech/test/manager/survival.test.ts';
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
          // Modules are loaded once per thread, not once per file: a fifth of the time. Unit tests change nothing global.
          pool: 'threads',
          isolate: false,
          maxWorkers,
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
          exclude: ['scripts/test/packages/**', ALONE],
          environment: 'node',
          execArgv,
          sequence: { groupOrder: 1 },
          globalSetup: ['scripts/src/emulators/vitest-setup.ts'],
          maxWorkers,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...SOURCES,
        test: {
          name: 'alone',
          include: [ALONE],
          environment: 'node',
          execArgv,
          sequence: { groupOrder: 4 },
          fileParallelism: false,
          testTimeout: 120_000,
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
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 420_000,
        },
      },
    ],
  },
});
