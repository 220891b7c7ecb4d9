import { BALANCING, isProtocolVersion, PROTOCOL_VERSIONS, type ProtocolVersion } from '@taleback/speech';
import { z } from 'zod';
import { amount, integer, onOff, positive, text } from './config-fields.ts';

const MEBIBYTE = 2 ** 20;
const DAY_MS = 24 * 60 * 60_000;
/** A process takes about 0.1 GB. @see docs/origins.md#pool */
const MOST_BY_DEFAULT = 5;

/**
 * The variables of the speech processes, of protection and of the cache.
 *
 * @see docs/origins.md#pool
 * @see docs/origins.md#thresholds
 */
export const speechEnvironment = {
  SPEECH_WORKERS_MIN: integer(1, 64, 1).describe(
    'Speech processes kept when there is nothing to do. 1 to 64.',
  ),
  SPEECH_WORKERS_MAX: integer(0, 64, 0).describe(
    'Most speech processes; never less than SPEECH_WORKERS_MIN. 0 takes what the machine offers, five at most; else 1 to 64.',
  ),
  SPEECH_SCALE_UP_DEPTH: integer(1, 100_000, 5).describe(
    'Waiting sentence groups at which another speech process is started.',
  ),
  SPEECH_SCALE_DOWN_SECONDS: amount(1, 86_400, 30).describe(
    'How long a speech process may be idle before it leaves. Seconds.',
  ),
  SPEECH_BALANCING: z
    .enum(BALANCING)
    .default('weighted')
    .describe('How the speech process for a sentence group is chosen.'),
  SPEECH_MODEL_SPECIALIZATION: onOff('on').describe(
    'Whether a speech process that has the model of a voice in memory is preferred.',
  ),
  SPEECH_RECYCLE_AFTER_JOBS: integer(1, 1_000_000_000, 2_000).describe(
    'Sentence groups after which a speech process is replaced, so that what leaks never grows large.',
  ),
  SPEECH_RECYCLE_ABOVE_MB: integer(64, 1_048_576, 1_024).describe(
    'Memory above which a speech process is replaced. MiB, 64 to 1048576.',
  ),
  SPEECH_HEALTH_SECONDS: amount(0.1, 3_600, 5).describe(
    'Time between health checks of a speech process. Seconds.',
  ),
  SPEECH_HEALTH_MISSES: integer(1, 100, 3).describe(
    'Unanswered health checks in a row that restart a speech process. 1 to 100.',
  ),
  SPEECH_RETRIES: integer(0, 19, 3).describe('Further attempts at a sentence group that failed. 0 to 19.'),
  SPEECH_FAILURE_THRESHOLD: positive(1, 0.5).describe(
    'Share of failures among its recent sentence groups that opens the circuit breaker of a speech process. Up to 1.',
  ),
  SPEECH_BREAKER_COOLDOWN_SECONDS: amount(0.1, 86_400, 60).describe(
    'Time until a speech process is tried again whose circuit breaker opened. Seconds.',
  ),
  SPEECH_PROTOCOLS: z
    .string()
    .default(PROTOCOL_VERSIONS.join(','))
    .transform((value, context): readonly ProtocolVersion[] => {
      const versions = value.split(',').map((version) => version.trim());
      if (versions.every(isProtocolVersion)) return versions;
      context.addIssue({ code: 'custom', message: `must be some of ${PROTOCOL_VERSIONS.join(', ')}` });
      return z.NEVER;
    })
    .describe('Protocol versions offered to speech processes. `1.0.0` alone goes back to the oldest.'),
  CHUNK_TIMEOUT_SECONDS: amount(0.1, 600, 10).describe(
    'Time for one sentence group; long ones and slow engines are given more, up to CHUNK_DEADLINE_SECONDS. Seconds, 0.1 to 600.',
  ),
  CHUNK_DEADLINE_SECONDS: amount(0.1, 3_600, 60).describe(
    'Time for all attempts at one sentence group together, by a speech process or a service elsewhere: a service that hangs fails a story after it. At least the time of one attempt. Seconds, 0.1 to 3600.',
  ),
  TTS_PROVIDER: z
    .string()
    .default('')
    .describe('Switches narration off when it is `disabled`; anything else, also nothing, leaves it on.'),
  DJ_PROVIDER: z
    .string()
    .default('')
    .describe(
      'An earlier name of `TTS_PROVIDER`: narration is off while either is `disabled`. In the control file, the last line of either wins.',
    ),
  CONTROL_FILE: text('.taleback/control.env').describe(
    'File that is read again whenever it changes. A line `TTS_PROVIDER=disabled` in it switches narration off without a restart; the last such line wins.',
  ),
  SYSTEM_PROTECTION: onOff('on').describe(
    'Whether new narrations are refused while the machine is overloaded.',
  ),
  CPU_WARNING_PERCENT: positive(100, 80).describe('Processor use that is logged as a warning. Percent.'),
  CPU_CRITICAL_PERCENT: positive(100, 95).describe(
    'Processor use that, as long as set below, starts protection. Percent.',
  ),
  CPU_CRITICAL_SAMPLES: integer(1, 1_000, 12).describe(
    'Samples in a row with critical processor use that start protection. Twelve are a minute: an engine that runs on the processor uses all of it for seconds.',
  ),
  MEMORY_WARNING_PERCENT: positive(100, 80).describe('Memory use that is logged as a warning. Percent.'),
  MEMORY_CRITICAL_PERCENT: positive(100, 95).describe('Memory use that starts protection. Percent.'),
  LOAD_WARNING_PER_CORE: positive(1_000_000, 1.25).describe(
    'Load average per core that is logged as a warning: 5 on four cores.',
  ),
  LOAD_CRITICAL_PER_CORE: positive(1_000_000, 2.5).describe(
    'Load average per core that starts protection: 10 on four cores.',
  ),
  PROTECTION_INTERVAL_SECONDS: amount(0.1, 300, 5).describe(
    'Time between samples of the machine. Seconds, 0.1 to 300.',
  ),
  PROTECTION_COOLDOWN_SECONDS: amount(0, 86_400, 300).describe('Least time that protection lasts. Seconds.'),
  REQUESTS_PER_MINUTE: integer(0, 10_000, 0).describe(
    'Narrations begun in any minute, at most 10000. 0 sets no limit.',
  ),
  SPEECH_CACHE: onOff('on').describe(
    'Whether speech that was made before is used again: for an equal story, and for the finished part of a story whose worker died. What people wrote is kept only as sound and hashes; `off` keeps nothing.',
  ),
  SPEECH_CACHE_FOLDER: text('.taleback/cache').describe(
    'Folder of the cache; only its owner can read what is in it. Several workers may share it. It may be removed at any time.',
  ),
  SPEECH_CACHE_MB: integer(1, 1_048_576, 512).describe(
    'Largest size of the cache; what was used least recently goes first. MiB, 1 to 1048576. 512 is about four hours of speech in pieces, or eighteen as MP3.',
  ),
  SPEECH_CACHE_DAYS: positive(3_650, 30).describe(
    'How long speech is kept after it was made, however often it is used. Days, up to 3650. A month: stories do not stay for ever, and what is narrated again is mostly narrated soon.',
  ),
};

type SpeechEnvironment = z.output<z.ZodObject<typeof speechEnvironment>>;

/** As the manager of the engines takes it. @param cores what this process may use */
export const speechConfig = (env: SpeechEnvironment, cores: number) => {
  const most = env.SPEECH_WORKERS_MAX === 0 ? Math.min(cores, MOST_BY_DEFAULT) : env.SPEECH_WORKERS_MAX;
  return {
    manager: {
      workerPool: {
        minWorkers: env.SPEECH_WORKERS_MIN,
        maxWorkers: Math.max(most, env.SPEECH_WORKERS_MIN),
        scaleUpThreshold: env.SPEECH_SCALE_UP_DEPTH,
        scaleDownThreshold: env.SPEECH_SCALE_DOWN_SECONDS * 1000,
        balancing: env.SPEECH_BALANCING,
        modelSpecialization: env.SPEECH_MODEL_SPECIALIZATION === 'on',
        recycleAfterJobs: env.SPEECH_RECYCLE_AFTER_JOBS,
        recycleAboveBytes: env.SPEECH_RECYCLE_ABOVE_MB * MEBIBYTE,
      },
      circuitBreaker: {
        timeoutMs: env.CHUNK_TIMEOUT_SECONDS * 1000,
        failureThreshold: env.SPEECH_FAILURE_THRESHOLD,
        resetTimeoutMs: env.SPEECH_BREAKER_COOLDOWN_SECONDS * 1000,
      },
      health: { intervalMs: env.SPEECH_HEALTH_SECONDS * 1000, maxMisses: env.SPEECH_HEALTH_MISSES },
      retry: { maxAttempts: env.SPEECH_RETRIES + 1, deadlineMs: env.CHUNK_DEADLINE_SECONDS * 1000 },
    },
    versions: env.SPEECH_PROTOCOLS,
  };
};

/** Without protection no threshold is ever reached; the machine is still measured, for the metrics. */
const NEVER = { warning: Number.POSITIVE_INFINITY, critical: Number.POSITIVE_INFINITY };

/** What is logged as a warning before it is critical. */
const THRESHOLDS = [
  ['CPU_WARNING_PERCENT', 'CPU_CRITICAL_PERCENT'],
  ['MEMORY_WARNING_PERCENT', 'MEMORY_CRITICAL_PERCENT'],
  ['LOAD_WARNING_PER_CORE', 'LOAD_CRITICAL_PER_CORE'],
] as const;

/** @throws Error that names the first warning threshold above its critical one */
export const protectionConfig = (env: SpeechEnvironment) => {
  for (const [warning, critical] of env.SYSTEM_PROTECTION === 'off' ? [] : THRESHOLDS) {
    if (env[warning] > env[critical])
      throw new Error(`configuration: ${warning}: must not be more than ${critical}`);
  }
  return protectionOptions(env);
};

const protectionOptions = (env: SpeechEnvironment) => ({
  options: {
    ttsProvider: /^\s*disabled\s*$/i.test(env.DJ_PROVIDER) ? env.DJ_PROVIDER : env.TTS_PROVIDER,
    cooldownMs: env.PROTECTION_COOLDOWN_SECONDS * 1000,
    requestsPerMinute: env.REQUESTS_PER_MINUTE,
    intervalMs: env.PROTECTION_INTERVAL_SECONDS * 1000,
    cpuCriticalSamples: env.CPU_CRITICAL_SAMPLES,
    thresholds:
      env.SYSTEM_PROTECTION === 'off'
        ? { cpu: NEVER, memory: NEVER, load: NEVER }
        : {
            cpu: { warning: env.CPU_WARNING_PERCENT / 100, critical: env.CPU_CRITICAL_PERCENT / 100 },
            memory: {
              warning: env.MEMORY_WARNING_PERCENT / 100,
              critical: env.MEMORY_CRITICAL_PERCENT / 100,
            },
            load: { warning: env.LOAD_WARNING_PER_CORE, critical: env.LOAD_CRITICAL_PER_CORE },
          },
  },
  controlFile: env.CONTROL_FILE,
});

export const cacheConfig = (env: SpeechEnvironment) => ({
  isOn: env.SPEECH_CACHE === 'on',
  folder: env.SPEECH_CACHE_FOLDER,
  limits: { maxBytes: env.SPEECH_CACHE_MB * MEBIBYTE, maxAgeMs: env.SPEECH_CACHE_DAYS * DAY_MS },
});
