import type { Check } from '../check.ts';

/** The audio store. @param check proves that it can be written; gives a line about it, throws a TalebackError */
export const storageCheck = (check: (signal: AbortSignal) => Promise<string>): Check => ({
  name: 'audio store',
  group: 'storage',
  run: async (signal) => ({ status: 'ok', summary: await check(signal) }),
});
