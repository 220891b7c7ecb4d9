import { defineConfig } from 'vitest/config';

// The groups run one after the other: what starts emulators and browsers needs the machine for itself.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{core,resilience,functions,worker,scripts}/src/**/*.test.ts'],
          environment: 'node',
        },
      },
      './web/vite.config.ts',
      {
        test: {
          name: 'emulators',
          include: ['{functions,worker}/test/**/*.test.ts'],
          environment: 'node',
          sequence: { groupOrder: 1 },
          globalSetup: ['scripts/src/emulators/vitest-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/src/**/*.test.ts'],
          environment: 'node',
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
