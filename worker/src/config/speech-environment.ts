import { z } from 'zod';
import { BALANCING, type TtsManagerOverrides } from '@taleback/speech/src/pool/pool-config.ts';
import {
  isProtocolVersion,
  PROTOCOL_VERSIONS,
  type ProtocolVersion,
} from '@taleback/speech/src/protocol/protocol.ts';

const MEBIBYTE = 2 ** 20;
/** A worker takes about 0.1 GB, and four of them speak as fast as one MP3 thread encodes (about 80 times real time). */
const MOST_BY_DEFAULT = 4;

/** The variables of the speech processes. The numbers are those of seed 004 where it gives one. */
export const speechEnvironment = {
  SPEECH_WORKERS_MIN: z.coerce
    .number()
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe('Speech processes kept when there is nothing to do. 1 to 64.'),
  SPEECH_WORKERS_MAX: z.coerce
    .number()
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe('Most speech processes. 0 takes what the machine offers, four at most; else 1 to 64.'),
  SPEECH_SCALE_UP_DEPTH: z.coerce
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(5)
    .describe('Waiting sentence groups at which another speech process is started.'),
  SPEECH_SCALE_DOWN_SECONDS: z.coerce
    .number()
    .min(1)
    .max(86_400)
    .default(30)
    .describe('How long a speech process may be idle before it leaves. Seconds.'),
  SPEECH_BALANCING: z
    .enum(BALANCING)
    .default('weighted')
    .describe('How the speech process for a sentence group is chosen.'),
  SPEECH_RECYCLE_AFTER_JOBS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000_000)
    .default(2_000)
    .describe(
      'Sentence groups after which a speech process is replaced, so that what leaks never grows large.',
    ),
  SPEECH_RECYCLE_ABOVE_MB: z.coerce
    .number()
    .int()
    .min(64)
    .max(1_048_576)
    .default(1_024)
    .describe('Memory above which a speech process is replaced. MiB, 64 to 1048576.'),
  SPEECH_HEALTH_SECONDS: z.coerce
    .number()
    .min(0.1)
    .max(3_600)
    .default(5)
    .describe('Time between health checks of a speech process; three unanswered ones restart it. Seconds.'),
  SPEECH_PROTOCOLS: z
    .string()
    .default(PROTOCOL_VERSIONS.join(','))
    .transform((text, context): readonly ProtocolVersion[] => {
      const versions = text.split(',').map((version) => version.trim());
      if (versions.every(isProtocolVersion)) return versions;
      context.addIssue({ code: 'custom', message: `must be some of ${PROTOCOL_VERSIONS.join(', ')}` });
      return z.NEVER;
    })
    .describe('Protocol versions offered to speech processes. `1.0.0` alone goes back to the oldest.'),
  CHUNK_TIMEOUT_SECONDS: z.coerce
    .number()
    .min(0.1)
    .max(600)
    .default(10)
    .describe(
      'Time for one sentence group; long ones and slow engines are given more, a minute at most. Seconds, 0.1 to 600. Ten, as `timeoutMs` of seed 004.',
    ),
};

type SpeechEnvironment = z.output<z.ZodObject<typeof speechEnvironment>>;

export interface SpeechConfig {
  readonly manager: TtsManagerOverrides;
  readonly versions: readonly ProtocolVersion[];
}

/** @param cores what this process may use */
export const toSpeechConfig = (env: SpeechEnvironment, cores: number): SpeechConfig => {
  const most = env.SPEECH_WORKERS_MAX === 0 ? Math.min(cores, MOST_BY_DEFAULT) : env.SPEECH_WORKERS_MAX;
  return {
    manager: {
      workerPool: {
        minWorkers: env.SPEECH_WORKERS_MIN,
        maxWorkers: Math.max(most, env.SPEECH_WORKERS_MIN),
        scaleUpThreshold: env.SPEECH_SCALE_UP_DEPTH,
        scaleDownThreshold: env.SPEECH_SCALE_DOWN_SECONDS * 1000,
        balancing: env.SPEECH_BALANCING,
        recycleAfterJobs: env.SPEECH_RECYCLE_AFTER_JOBS,
        recycleAboveBytes: env.SPEECH_RECYCLE_ABOVE_MB * MEBIBYTE,
      },
      circuitBreaker: { timeoutMs: env.CHUNK_TIMEOUT_SECONDS * 1000 },
      health: { intervalMs: env.SPEECH_HEALTH_SECONDS * 1000 },
    },
    versions: env.SPEECH_PROTOCOLS,
  };
};
