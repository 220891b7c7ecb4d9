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

export interface RunpodSettings {
  /** Job-take address with `$ID` for the worker. */
  readonly takeTemplate: string;
  /** Result address with `$RUNPOD_POD_ID` for the worker and `$ID` for the job. */
  readonly outputTemplate: string;
  readonly streamTemplate: string | undefined;
  /** Absent when no pings can be sent: they need an address, a pod id and a key. */
  readonly pingTemplate: string | undefined;
  readonly pingIntervalMs: number;
  readonly workerId: string;
  readonly apiKey: string | undefined;
  readonly hostname: string;
}

export type RunpodVariables = Readonly<Record<string, string | undefined>>;

/** An empty variable counts as unset. */
const present = (variables: RunpodVariables): RunpodVariables =>
  Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));

const wholeSecondsMs = (milliseconds: number): number => Math.max(1, Math.floor(milliseconds / 1000)) * 1000;

/**
 * Reads what RunPod sets in a worker's environment.
 *
 * @param newId names a worker that has no pod id
 * @throws Error that names every variable at fault; it never repeats a key
 */
export const parseRunpodEnvironment = (variables: RunpodVariables, newId: () => string): RunpodSettings => {
  const result = environment.safeParse(present(variables));
  if (!result.success) {
    const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`RunPod environment: ${faults.join('; ')}`);
  }
  const env = result.data;
  const mayPing = env.RUNPOD_AI_API_KEY !== undefined && env.RUNPOD_POD_ID !== undefined;
  return {
    takeTemplate: env.RUNPOD_WEBHOOK_GET_JOB,
    outputTemplate: env.RUNPOD_WEBHOOK_POST_OUTPUT,
    streamTemplate: env.RUNPOD_WEBHOOK_POST_STREAM,
    pingTemplate: mayPing ? env.RUNPOD_WEBHOOK_PING : undefined,
    pingIntervalMs: wholeSecondsMs(env.RUNPOD_PING_INTERVAL),
    workerId: env.RUNPOD_POD_ID ?? newId(),
    apiKey: env.RUNPOD_AI_API_KEY,
    hostname: env.RUNPOD_POD_HOSTNAME,
  };
};

/** The variables of this process. */
export const readEnvironment = (): RunpodVariables => process.env;
