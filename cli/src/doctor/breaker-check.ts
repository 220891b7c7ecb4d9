import type { BreakerWords } from '@taleback/speech/src/diagnosis/format-diagnosis.ts';
import type { Check, Finding } from './check.ts';

/** A circuit breaker of the running worker. */
export interface NamedBreaker extends BreakerWords {
  readonly name: string;
}

/** The breakers of the worker that runs on this machine; undefined when none runs. @throws when it answers nonsense */
export type ReadBreakers = (signal: AbortSignal) => Promise<readonly NamedBreaker[] | undefined>;

const examineBreakers = (breakers: readonly NamedBreaker[]): Finding => {
  const shut = breakers.filter(({ state }) => state === 'OPEN' || state === 'ISOLATED');
  const trying = breakers.filter(({ state }) => state === 'HALF_OPEN');
  const told = (some: readonly NamedBreaker[]): string =>
    some.map(({ name, state }) => `${name} is ${state}`).join(', ');
  if (shut.length > 0) {
    return {
      status: 'warning',
      code: 'circuit_open',
      summary: `The worker leaves ${shut.length} of ${breakers.length} alone: ${told(shut)}.`,
      suggestions: ['When the cause is mended: taleback breaker reset NAME'],
    };
  }
  if (trying.length > 0) return { status: 'warning', summary: `A trial is due: ${told(trying)}.` };
  return { status: 'ok', summary: `All ${breakers.length} are CLOSED.` };
};

/** The circuit breakers of the running worker. */
export const breakerCheck = (readBreakers: ReadBreakers): Check => ({
  name: 'circuit breakers',
  group: 'engines',
  run: async (signal) => {
    const breakers = await readBreakers(signal);
    return breakers === undefined
      ? { status: 'skipped', summary: 'No worker runs here.' }
      : examineBreakers(breakers);
  },
});
