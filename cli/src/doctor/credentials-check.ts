import type { ErrorCode } from '@taleback/core';
import type { Check, CheckGroup } from './check.ts';

/** A credential by the name of its variable; never its value. */
export interface Credential {
  readonly variable: string;
  /** What does not work without it. */
  readonly neededFor: string;
  readonly isPresent: boolean;
  /** Why what is there is of no use. */
  readonly fault?: string | undefined;
  /** True when everything else works without it. */
  readonly isOptional?: boolean | undefined;
  /** Default `credentials_invalid`. */
  readonly code?: ErrorCode | undefined;
}

/** Credentials: whether they are there, not whether they are accepted. */
export const credentialsCheck = (group: CheckGroup, find: () => Promise<readonly Credential[]>): Check => ({
  name: 'credentials',
  group,
  run: async () => {
    const all = await find();
    const bad = all.filter(({ isPresent, fault }) => !isPresent || fault !== undefined);
    const [first] = bad;
    if (first === undefined) {
      const names = all.map(({ variable }) => variable).join(', ');
      return { status: 'ok', summary: names === '' ? 'None are needed.' : `${names}: there.` };
    }
    const failed = bad.find(({ isOptional }) => isOptional !== true);
    return {
      status: failed === undefined ? 'warning' : 'failed',
      code: (failed ?? first).code ?? 'credentials_invalid',
      summary: bad
        .map(({ variable, fault, neededFor }) => `${variable} ${fault ?? 'is missing'}: ${neededFor}.`)
        .join(' '),
      suggestions: bad.map(({ variable }) => `Set ${variable}; docs/configuration.md says how`),
    };
  },
});
