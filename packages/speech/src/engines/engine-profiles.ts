import {
  numbersOf,
  type ProfileNumbers,
  PROFILES,
  type ResilienceProfile,
  withNumbers,
} from '@taleback/resilience';
import { z } from 'zod';
import { parseManagerConfig, poolNumbers, type TtsManagerOverrides } from '../pool/pool-config.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A number in these bounds, without a default. An empty variable counts as one that is not set. */
const number = (min: number, max: number, kind: 'whole' | 'any' = 'any') =>
  z
    .string()
    .optional()
    .transform((text, context) => {
      if (text === undefined || text.trim() === '') return undefined;
      const value = Number(text);
      if (value >= min && value <= max && (kind === 'any' || Number.isInteger(value))) return value;
      context.addIssue({
        code: 'custom',
        message: `must be a ${kind === 'whole' ? 'whole ' : ''}number from ${min} to ${max}`,
      });
      return z.NEVER;
    });

const PROFILE_NAMES = Object.keys(PROFILES) as (keyof typeof PROFILES)[];
const DAY_SECONDS = 86_400;

/** What can be set for each engine, as `<ENGINE>_` and the name here, such as `KOKORO_RETRIES`. */
export const profileSettings = z.object({
  PROFILE: z
    .preprocess(
      (text) => (text === '' ? undefined : text),
      z.enum(PROFILE_NAMES, { error: `must be one of ${PROFILE_NAMES.join(', ')}` }).optional(),
    )
    .describe(
      "Profile that the engine's numbers come from. Default: the one of its name; engines in processes take `worker`, as `SPEECH_*` and `CHUNK_TIMEOUT_SECONDS` change it.",
    ),
  TIMEOUT_SECONDS: number(0.1, 600).describe(
    'Time for one attempt before the speed of the engine is known. Seconds, 0.1 to 600.',
  ),
  RETRIES: number(0, 19, 'whole').describe('Attempts after the first. 0 to 19.'),
  BACKOFF_FIRST_SECONDS: number(0.001, 300).describe(
    'Wait before the first retry; it doubles, and chance shortens it. Seconds, 0.001 to 300.',
  ),
  BACKOFF_MOST_SECONDS: number(0.001, 300).describe(
    'Longest wait between two attempts. Seconds, 0.001 to 300.',
  ),
  CONCURRENCY: number(1, 64, 'whole').describe(
    'Requests at once, or processes of an engine that runs in them. 1 to 64.',
  ),
  REQUESTS_PER_MINUTE: number(0, 10_000, 'whole').describe(
    'Requests in any minute; others wait. 0 sets no limit, at most 10000.',
  ),
  BREAKER_FAILURES: number(1, 1_000, 'whole').describe(
    'Failures in a row that open the circuit breaker. 1 to 1000.',
  ),
  BREAKER_SUCCESSES: number(1, 100, 'whole').describe('Trials in a row that close it. 1 to 100.'),
  BREAKER_COOLDOWN_SECONDS: number(0.1, DAY_SECONDS).describe(
    'Time from its opening to the first trial. Seconds, 0.1 to 86400.',
  ),
  BREAKER_COOLDOWN_MIN_SECONDS: number(0.1, DAY_SECONDS).describe(
    'Shortest cool-down that quick recoveries lead to. Seconds.',
  ),
  BREAKER_COOLDOWN_MAX_SECONDS: number(0.1, DAY_SECONDS).describe(
    'Longest cool-down that failed trials lead to. Seconds.',
  ),
});

export type ProfileSetting = Exclude<keyof typeof profileSettings.shape, 'PROFILE'>;

/** The number that each variable sets; those of seconds are ms. */
const NUMBER_OF = {
  TIMEOUT_SECONDS: 'timeoutMs',
  RETRIES: 'retries',
  BACKOFF_FIRST_SECONDS: 'backoffFirstMs',
  BACKOFF_MOST_SECONDS: 'backoffMostMs',
  CONCURRENCY: 'maxConcurrent',
  REQUESTS_PER_MINUTE: 'requestsPerMinute',
  BREAKER_FAILURES: 'failures',
  BREAKER_SUCCESSES: 'successes',
  BREAKER_COOLDOWN_SECONDS: 'cooldownMs',
  BREAKER_COOLDOWN_MIN_SECONDS: 'cooldownMinMs',
  BREAKER_COOLDOWN_MAX_SECONDS: 'cooldownMaxMs',
} as const satisfies Record<ProfileSetting, keyof ProfileNumbers>;

const SETTINGS = Object.keys(NUMBER_OF) as ProfileSetting[];
const unitOf = (setting: ProfileSetting): number => (setting.endsWith('_SECONDS') ? 1_000 : 1);

/** How the variables of an engine begin: `ESPEAK_NG_` of `espeak-ng`. */
export const prefixOf = (engine: string): string => `${engine.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}_`;

/** The numbers of one engine, and where they come from. */
export interface EngineProfile {
  /** Undefined: an engine in processes, with the numbers that all of those share. */
  readonly base: ResilienceProfile | undefined;
  /** The variable that chose `base`; undefined when it is the engine's own. */
  readonly chosenBy: string | undefined;
  /** What single variables set. */
  readonly set: Partial<ProfileNumbers>;
}

const isOwnProfile = (engine: string): engine is keyof typeof PROFILES => Object.hasOwn(PROFILES, engine);

/** The profile of an engine, from its variables. @throws Error that names every variable at fault */
export const readProfile = (engine: string, environment: Environment): EngineProfile => {
  const prefix = prefixOf(engine);
  const own = Object.keys(profileSettings.shape).map((name) => [name, environment[prefix + name]]);
  const read = profileSettings.safeParse(Object.fromEntries(own));
  if (!read.success) {
    const faults = read.error.issues.map(({ path, message }) => `${prefix}${path.join('.')}: ${message}`);
    throw new Error(`configuration: ${faults.join('; ')}`);
  }
  const { PROFILE, ...values } = read.data;
  const set: Partial<ProfileNumbers> = Object.fromEntries(
    SETTINGS.flatMap((name) => {
      const value = values[name];
      return value === undefined ? [] : [[NUMBER_OF[name], value * unitOf(name)]];
    }),
  );
  const base =
    PROFILE === undefined ? (isOwnProfile(engine) ? PROFILES[engine] : undefined) : PROFILES[PROFILE];
  const { backoffFirstMs, cooldownMs } = { ...numbersOf(base ?? PROFILES.worker), ...set };
  const { backoffMostMs = Infinity, cooldownMinMs = 0, cooldownMaxMs = Infinity } = set;
  const fault = (name: ProfileSetting, words: string) =>
    new Error(`configuration: ${prefix}${name}: ${words}`);
  if (backoffMostMs < (backoffFirstMs ?? 0))
    throw fault('BACKOFF_MOST_SECONDS', 'must not be less than the first wait');
  if (cooldownMinMs > cooldownMs)
    throw fault('BREAKER_COOLDOWN_MIN_SECONDS', 'must not be more than the cool-down');
  if (cooldownMaxMs < cooldownMs)
    throw fault('BREAKER_COOLDOWN_MAX_SECONDS', 'must not be less than the cool-down');
  return { base, chosenBy: PROFILE && `${prefix}PROFILE`, set };
};

/** The policy of a service; undefined for the engine's own. */
export const policyOf = ({ base, set }: EngineProfile): ResilienceProfile | undefined =>
  base && withNumbers(base, set);

export const ownNumbers = ({ base, set }: EngineProfile): Partial<ProfileNumbers> => ({
  ...(base && numbersOf(base)),
  ...set,
});

/**
 * Numbers as they are configured, in the unit of the setting. Those that a profile does not have are left out.
 *
 * @example
 * import { numbersOf, kokoro } from '@taleback/resilience';
 * import { settingsOf } from '@taleback/speech';
 * settingsOf(numbersOf(kokoro))[0]; // { setting: 'TIMEOUT_SECONDS', value: 60, number: 'timeoutMs' }
 */
export const settingsOf = (numbers: Partial<ProfileNumbers>) =>
  SETTINGS.flatMap((setting) => {
    const number = NUMBER_OF[setting];
    const value = numbers[number];
    return value === undefined ? [] : [{ setting, value: value / unitOf(setting), number }];
  });

/** The variables of the numbers that all engines in processes share. */
const SHARED_VARIABLES: Partial<Record<keyof ProfileNumbers, string>> = {
  timeoutMs: 'CHUNK_TIMEOUT_SECONDS',
  retries: 'SPEECH_RETRIES',
  maxConcurrent: 'SPEECH_WORKERS_MAX',
  cooldownMs: 'SPEECH_BREAKER_COOLDOWN_SECONDS',
};

/** In words such as `timeout 15 s`, with the variable that it comes from; undefined: from the profile. */
export interface NumberInForce {
  readonly value: string;
  readonly variable: string | undefined;
}

/**
 * What an engine is called with, and where each number comes from.
 *
 * @example
 * import { enginesEnvironment, numbersInForce, toEnginesConfig } from '@taleback/speech';
 * import { z } from 'zod';
 * const environment = { ENGINES: 'kokoro', KOKORO_PROFILE: 'guarded' };
 * const engines = toEnginesConfig(z.object(enginesEnvironment).parse(environment), environment);
 * const { profile } = numbersInForce('kokoro', { engines, manager: {}, environment });
 * console.log(profile); // { value: 'guarded', variable: 'KOKORO_PROFILE' }
 */
export const numbersInForce = (
  engine: string,
  options: {
    readonly engines: { readonly profiles: Readonly<Partial<Record<string, EngineProfile>>> };
    readonly manager: TtsManagerOverrides;
    readonly environment: Environment;
  },
): { readonly profile: NumberInForce; readonly numbers: readonly NumberInForce[] } => {
  const { base, chosenBy, set = {} } = options.engines.profiles[engine] ?? {};
  const shared = parseManagerConfig(options.manager);
  const numbers = { ...(base === undefined ? poolNumbers(shared) : numbersOf(base)), ...set };
  const isSet = (variable: string | undefined): boolean =>
    variable !== undefined && options.environment[variable] !== undefined;
  const variableOf = (setting: ProfileSetting, number: keyof ProfileNumbers): string | undefined => {
    if (number in set) return `${prefixOf(engine)}${setting}`;
    const variable = SHARED_VARIABLES[number];
    return base === undefined && isSet(variable) ? variable : undefined;
  };
  const inForce = settingsOf(numbers).map(({ setting, value, number }): NumberInForce => {
    const isTime = setting.endsWith('_SECONDS');
    const words = setting.replace('_SECONDS', '').replaceAll('_', ' ').toLowerCase();
    return { value: `${words} ${value}${isTime ? ' s' : ''}`, variable: variableOf(setting, number) };
  });
  const { circuitBreaker, health, retry, workerPool } = shared;
  const common = (value: string, variable: string): NumberInForce => ({
    value,
    variable: isSet(variable) ? variable : undefined,
  });
  // At least the time of one attempt.
  const deadlineMs = Math.max(retry.deadlineMs, numbers.timeoutMs);
  const isDeadlineSet = deadlineMs === retry.deadlineMs && isSet('CHUNK_DEADLINE_SECONDS');
  inForce.push({
    value: `deadline ${deadlineMs / 1_000} s`,
    variable: isDeadlineSet ? 'CHUNK_DEADLINE_SECONDS' : undefined,
  });
  if (numbers.failures === undefined)
    inForce.push(
      common(`breaker failure share ${circuitBreaker.failureThreshold}`, 'SPEECH_FAILURE_THRESHOLD'),
    );
  if (!isOwnProfile(engine))
    inForce.push(
      common(`health check every ${health.intervalMs / 1_000} s`, 'SPEECH_HEALTH_SECONDS'),
      common(`missed health checks ${health.maxMisses}`, 'SPEECH_HEALTH_MISSES'),
      common(
        `model specialization ${workerPool.modelSpecialization ? 'on' : 'off'}`,
        'SPEECH_MODEL_SPECIALIZATION',
      ),
    );
  return { profile: { value: base?.name ?? 'worker', variable: chosenBy }, numbers: inForce };
};
