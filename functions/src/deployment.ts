import { createNames, type Names } from '@taleback/core';
import { z } from 'zod';
import { optional } from './sweep/audio-environment.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws Error that names every variable at fault; it never repeats a value */
export const parseVariables = <T extends z.ZodType>(schema: T, environment: Environment): z.output<T> => {
  const result = schema.safeParse(environment);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`configuration: ${faults.join('; ')}`);
};

export const whole = (fallback: number, min: number, max: number): z.ZodDefault<z.ZodCoercedNumber> =>
  z.coerce.number().int().min(min).max(max).default(fallback);

const named = (option: 'instance' | 'region' | 'ownerField'): z.ZodType<string | undefined> =>
  optional(
    z.string().superRefine((value, context) => {
      try {
        createNames({ [option]: value });
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
      }
    }),
  );

/** What a deployment needs to be planned, when there are no secrets yet. */
export const deploymentVariables = {
  TALEBACK_INSTANCE: named('instance').describe(
    "Added to the names of collections and topics, so that several deployments share a project; 1 to 20 lower-case letters and digits. After a change run `node scripts/run.mjs firebase-files --instance <name>`. Workers of the deployment need the same. Default: today's names.",
  ),
  TALEBACK_REGION: named('region').describe(
    'Region that the functions are deployed to. Default `us-central1`.',
  ),
  STORY_OWNER_FIELD: named('ownerField').describe(
    "Field of a story that holds its owner's user id. Default `userId`.",
  ),
  APP_CHECK: z
    .enum(['required', 'off'])
    .default('off')
    .describe(
      'Whether callables refuse calls without a token of Firebase App Check. The page needs `appCheck` in its `taleback.config.json` first.',
    ),
  MAX_INSTANCES: whole(20, 1, 1_000).describe(
    'Instances of each function at most; further requests wait, or are refused with 429. 1 to 1000. Twenty receivers serve 240 callbacks at once, and bound what a flood of requests costs. `sweepStories` always has one.',
  ),
};

export const namesOf = (env: z.output<z.ZodObject<typeof deploymentVariables>>): Names =>
  createNames({
    instance: env.TALEBACK_INSTANCE,
    region: env.TALEBACK_REGION,
    ownerField: env.STORY_OWNER_FIELD,
  });

/** Reads only what a deployment needs to be planned. */
export const parseDeployment = (environment: Environment) => {
  const env = parseVariables(z.object(deploymentVariables), environment);
  return {
    names: namesOf(env),
    enforceAppCheck: env.APP_CHECK === 'required',
    maxInstances: env.MAX_INSTANCES,
  };
};

/**
 * Memory of an instance. Modules, connections and a heap that was not collected lately take 110 to 240 MB in each function;
 * twelve of RunPod's largest webhooks at once take 660 MB in `tts`, and a sweep took 269 MB in a siege of seven minutes.
 * `npm run bench -- gate` measures what each takes at its concurrency, with the largest bodies, stories and recordings.
 */
export const MEMORY = { tts: '1GiB', other: '512MiB' } as const;

/** Requests that one instance of each function serves at once. */
export const CONCURRENCY = {
  /** `/api/tts/**`. The largest body, RunPod's webhook, has 12 MB. */
  tts: 12,
  /** Each of those that people call. A story may have 600 KB. */
  callable: 80,
  /** An order holds a recording of 3 MB as bytes, base64, JSON and what is sent: 15 MB. */
  dispatchTtsJob: 12,
  /** A job's text may have 600 KB. */
  ttsDeadLetter: 40,
  /** The schedule calls it every minute, and one may outlast it. It reads fifty stories at a time. */
  sweepStories: 2,
} as const;
