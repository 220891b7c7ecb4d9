import type { Budget } from '@taleback/core';
import { z } from 'zod';

/** What one user may have by default. `off`: no limit. */
type Defaults = Readonly<Record<keyof Budget, number | 'off'>>;

/** More than one reader listens to; a person who queues without end is stopped. */
const USER: Defaults = { underWay: 10, narrations: 100, characters: 500_000, stories: 1_000 };
/** A new anonymous account costs nothing, so each gets little. */
const ANONYMOUS: Defaults = { underWay: 3, narrations: 20, characters: 100_000, stories: 100 };
/** Other servers have limits of their own. */
const GENERATE: Defaults = { underWay: 'off', narrations: 'off', characters: 'off', stories: 'off' };

const MAX = 1_000_000_000;
const FAULT = `must be a whole number from 1 to ${MAX}, or "off"`;

const limit = (fallback: number | 'off', meaning: string) =>
  z
    .union([z.literal('off'), z.coerce.number(FAULT).int(FAULT).min(1, FAULT).max(MAX, FAULT)], FAULT)
    .default(fallback)
    .describe(`${meaning} 1 to ${MAX}, or \`off\`.`);

const variablesOf = <Prefix extends string>(prefix: Prefix, defaults: Defaults, who: string) =>
  ({
    [`${prefix}_NARRATIONS_UNDER_WAY`]: limit(
      defaults.underWay,
      `Narrations of ${who} that wait or are made at once.`,
    ),
    [`${prefix}_NARRATIONS_PER_DAY`]: limit(
      defaults.narrations,
      `Narrations of ${who} on one day (UTC), Try Again included, automatic retries not.`,
    ),
    [`${prefix}_CHARACTERS_PER_DAY`]: limit(
      defaults.characters,
      'Characters of the texts of these narrations.',
    ),
    [`${prefix}_STORIES`]: limit(
      defaults.stories,
      `Stories of ${who}; with more of them, none is narrated until some are deleted.`,
    ),
  }) as Record<`${Prefix}_${Suffix}`, ReturnType<typeof limit>>;

type Suffix = 'NARRATIONS_UNDER_WAY' | 'NARRATIONS_PER_DAY' | 'CHARACTERS_PER_DAY' | 'STORIES';

/** What each user may have. */
export const budgetVariables = {
  ...variablesOf('USER', USER, 'one user'),
  ...variablesOf('ANONYMOUS', ANONYMOUS, 'one anonymous account'),
  ...variablesOf('GENERATE', GENERATE, 'one `user_id` that come through `generate`'),
};

type Environment = z.output<z.ZodObject<typeof budgetVariables>>;

/** Undefined where nothing is limited, so that nothing is counted. */
const budgetOf = (env: Environment, prefix: 'USER' | 'ANONYMOUS' | 'GENERATE'): Budget | undefined => {
  const of = (suffix: Suffix): number | undefined => {
    const value = env[`${prefix}_${suffix}`];
    return value === 'off' ? undefined : value;
  };
  const budget: Budget = {
    underWay: of('NARRATIONS_UNDER_WAY'),
    narrations: of('NARRATIONS_PER_DAY'),
    characters: of('CHARACTERS_PER_DAY'),
    stories: of('STORIES'),
  };
  return Object.values(budget).every((value) => value === undefined) ? undefined : budget;
};

export const budgetConfig = (env: Environment) => ({
  user: budgetOf(env, 'USER'),
  anonymous: budgetOf(env, 'ANONYMOUS'),
  generate: budgetOf(env, 'GENERATE'),
});
