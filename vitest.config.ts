import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Our packages as sources, for what Vite loads and for the processes that tests start. */
const SOURCES = {
  resolve: { conditions: ['@taleback/source', 'node', 'development'] },
  ssr: { resolve: { conditions: ['@taleback/source', 'node', 'development'] } },
};
const execArgv = ['--conditions=@taleback/source'];
/** As many as there are cores, and four at least: many tests wait for other processes. */
const maxWorkers = Math.max(4, availableParallelism());
/** What takes so long hangs; nothing else judges how fast a machine is. A condition that is polled has less. */
const LIMITS = { testTimeout: 300_000, hookTimeout: 300_000, expect: { poll: { timeout: 120_000 } } };
const PROPERTIES = ['scripts/test/vitest-properties.ts'];
/** It pauses the emulator of Firestore that all tests share. */
const ALONE = 'e2e/src/chaos.test.ts';
const ROOMS = '{packages/*,functions,worker,cli,scripts,bench,e2e}';

// The projects of a group share its workers. What starts whole stacks comes after the others, two files at a time.
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
          setupFiles: PROPERTIES,
          maxWorkers,
          ...LIMITS,
        },
      },
      {
        extends: './web/vite.config.ts',
        root: './web',
        // One page per process: making one costs more than most files.
        test: { name: 'web', isolate: false, maxWorkers, ...LIMITS },
      },
      {
        ...SOURCES,
        test: {
          name: 'emulators',
          include: [`${ROOMS}/test/**/*.test.ts`],
          exclude: ['scripts/test/packages/**'],
          environment: 'node',
          execArgv,
          globalSetup: ['scripts/test/vitest-setup.ts'],
          setupFiles: PROPERTIES,
          // As above: a third of the CPU time. What a file changes in its process, it sets back.
          isolate: false,
          maxWorkers,
          ...LIMITS,
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
          maxWorkers,
          ...LIMITS,
        },
      },
      {
        ...SOURCES,
        test: {
          name: 'e2e',
          include: ['e2e/src/**/*.test.ts'],
          exclude: [ALONE],
          environment: 'node',
          execArgv,
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
          ...LIMITS,
        },
      },
      {
        ...SOURCES,
        test: {
          name: 'alone',
          include: [ALONE],
          environment: 'node',
          execArgv,
          sequence: { groupOrder: 2 },
          fileParallelism: false,
          ...LIMITS,
        },
      },
    ],
  },
});
