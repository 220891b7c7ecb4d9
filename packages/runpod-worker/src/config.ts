import { z } from 'zod';

const template = z.url({ protocol: /^https?$/, error: 'must be an http or https address' });

/** The variables that RunPod sets for its workers. */
const environment = z.object({
  RUNPOD_WEBHOOK_GET_JOB: template,
  RUNPOD_WEBHOOK_POST_OUTPUT: template,
  RUNPOD_WEBHOOK_POST_STREAM: template.optional(),
  RUNPOD_WEBHOOK_PING: template.optional(),
  /** Milliseconds; the protocol counts whole seconds. */
  RUNPOD_PING_INTERVAL: z.coerce.number().int().min(0).default(10_000),
  RUNPOD_POD_ID: z.string().min(1).optional(),
  RUNPOD_AI_API_KEY: z.string().min(1).optional(),
  RUNPOD_POD_HOSTNAME: z.string().min(1).default('unknown'),
});

export type RunpodVariables = Readonly<Record<string, string | undefined>>;

/**
 * Reads what RunPod sets in a worker's environment; an empty variable counts as unset.
 *
 * @param newId names a worker that has no pod id
 * @throws Error that names every variable at fault; it never repeats a key
 */
export const parseRunpodEnvironment = (variables: RunpodVariables, newId: () => string) => {
  const present = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const result = environment.safeParse(present);
  if (!result.success) {
    const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`RunPod environment: ${faults.join('; ')}`);
  }
  const env = result.data;
  const mayPing = env.RUNPOD_AI_API_KEY !== undefined && env.RUNPOD_POD_ID !== undefined;
  return {
    /** Job-take address with `$ID` for the worker. */
    takeTemplate: env.RUNPOD_WEBHOOK_GET_JOB,
    /** Result address with `$RUNPOD_POD_ID` for the worker and `$ID` for the job. */
    outputTemplate: env.RUNPOD_WEBHOOK_POST_OUTPUT,
    streamTemplate: env.RUNPOD_WEBHOOK_POST_STREAM,
    /** Undefined when no pings can be sent: they need an address, a pod id and a key. */
    pingTemplate: mayPing ? env.RUNPOD_WEBHOOK_PING : undefined,
    pingIntervalMs: Math.max(1, Math.floor(env.RUNPOD_PING_INTERVAL / 1_000)) * 1_000,
    workerId: env.RUNPOD_POD_ID ?? newId(),
    apiKey: env.RUNPOD_AI_API_KEY,
    hostname: env.RUNPOD_POD_HOSTNAME,
  };
};

export type RunpodSettings = Readonly<ReturnType<typeof parseRunpodEnvironment>>;

export const readEnvironment = (): RunpodVariables => process.env;
