import { z } from 'zod';
import type { Thresholds } from '@taleback/speech/src/protection/machine-state.ts';
import type { ProtectionOptions } from '@taleback/speech/src/protection/protection.ts';

const percent = (standard: number) => z.coerce.number().gt(0).max(100).default(standard);

/** The variables of protection. The numbers are those of seed 003. */
export const protectionEnvironment = {
  TTS_PROVIDER: z
    .string()
    .default('')
    .describe('Switches narration off when it is `disabled`; anything else, also nothing, leaves it on.'),
  CONTROL_FILE: z
    .string()
    .min(1)
    .default('.taleback/control.env')
    .describe(
      'File that is read again whenever it changes. A line `TTS_PROVIDER=disabled` in it switches narration off without a restart; the last such line wins.',
    ),
  SYSTEM_PROTECTION: z
    .enum(['on', 'off'])
    .default('on')
    .describe('Whether new narrations are refused while the machine is overloaded.'),
  CPU_WARNING_PERCENT: percent(80).describe('Processor use that is logged as a warning. Percent.'),
  CPU_CRITICAL_PERCENT: percent(95).describe(
    'Processor use that, as long as set below, starts protection. Percent.',
  ),
  CPU_CRITICAL_SAMPLES: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(12)
    .describe(
      'Samples in a row with critical processor use that start protection. Twelve are a minute: an engine that runs on the processor uses all of it for seconds.',
    ),
  MEMORY_WARNING_PERCENT: percent(80).describe('Memory use that is logged as a warning. Percent.'),
  MEMORY_CRITICAL_PERCENT: percent(95).describe('Memory use that starts protection. Percent.'),
  LOAD_WARNING_PER_CORE: z.coerce
    .number()
    .gt(0)
    .default(1.25)
    .describe('Load average per core that is logged as a warning: 5 on four cores.'),
  LOAD_CRITICAL_PER_CORE: z.coerce
    .number()
    .gt(0)
    .default(2.5)
    .describe('Load average per core that starts protection: 10 on four cores.'),
  PROTECTION_INTERVAL_SECONDS: z.coerce
    .number()
    .min(0.1)
    .max(300)
    .default(5)
    .describe('Time between samples of the machine. Seconds, 0.1 to 300. Five, as in seed 003.'),
  PROTECTION_COOLDOWN_SECONDS: z.coerce
    .number()
    .min(0)
    .max(86_400)
    .default(300)
    .describe('Least time that protection lasts. Seconds. Five minutes, as in seed 003.'),
  REQUESTS_PER_MINUTE: z.coerce
    .number()
    .int()
    .min(0)
    .max(10_000)
    .default(0)
    .describe('Narrations begun in any minute. 0 sets no limit; seed 003 has 10.'),
};

type ProtectionEnvironment = z.output<z.ZodObject<typeof protectionEnvironment>>;

export interface ProtectionConfig {
  readonly options: ProtectionOptions;
  readonly controlFile: string;
}

/** No figure is ever over it: the machine is still measured, for the metrics. */
const NEVER = { warning: Number.POSITIVE_INFINITY, critical: Number.POSITIVE_INFINITY };

const thresholdsOf = (env: ProtectionEnvironment): Thresholds =>
  env.SYSTEM_PROTECTION === 'off'
    ? { cpu: NEVER, memory: NEVER, load: NEVER }
    : {
        cpu: { warning: env.CPU_WARNING_PERCENT / 100, critical: env.CPU_CRITICAL_PERCENT / 100 },
        memory: { warning: env.MEMORY_WARNING_PERCENT / 100, critical: env.MEMORY_CRITICAL_PERCENT / 100 },
        load: { warning: env.LOAD_WARNING_PER_CORE, critical: env.LOAD_CRITICAL_PER_CORE },
      };

export const toProtectionConfig = (env: ProtectionEnvironment): ProtectionConfig => ({
  options: {
    ttsProvider: env.TTS_PROVIDER,
    cooldownMs: env.PROTECTION_COOLDOWN_SECONDS * 1000,
    requestsPerMinute: env.REQUESTS_PER_MINUTE,
    intervalMs: env.PROTECTION_INTERVAL_SECONDS * 1000,
    cpuCriticalSamples: env.CPU_CRITICAL_SAMPLES,
    thresholds: thresholdsOf(env),
  },
  controlFile: env.CONTROL_FILE,
});
