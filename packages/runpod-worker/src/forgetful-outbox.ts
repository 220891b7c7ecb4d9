import type { ResultOutbox } from './result-outbox.ts';

/** Keeps nothing: what a killed worker had is lost. For machines without a disk to write to. */
export const createForgetfulOutbox = (): ResultOutbox => ({
  keepJob: async () => {},
  keepResult: async () => {},
  forget: async () => {},
  refuse: async () => {},
  adopt: async () => ({ jobs: [], results: [] }),
  close: async () => {},
});
