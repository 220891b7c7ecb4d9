import { withDeadline } from '@taleback/resilience';
import { diagnose } from '../../diagnose.ts';
import type { EngineUnderTest } from '../../engine-under-test.ts';
import type { NetworkProbe } from '../../network.ts';
import type { Check, Finding } from '../check.ts';

export interface EngineCheckOptions {
  readonly network: NetworkProbe;
  /** The voice that is wished. */
  readonly voiceId?: string | undefined;
  /** Time for the diagnosis, ms: less than the check has, so that its words come through. */
  readonly timeoutMs: number;
}

const examineRemote = async (
  engine: EngineUnderTest,
  endpoint: string,
  { network, voiceId, timeoutMs }: EngineCheckOptions,
  signal: AbortSignal,
): Promise<Finding> => {
  const known = (): readonly string[] => engine.voices().map(({ id }) => id);
  const diagnosis = await diagnose(
    endpoint,
    {
      network,
      health: async (inner) => (await engine.probe(inner)).details,
      voice: voiceId === undefined ? undefined : { id: voiceId, known },
    },
    { timeoutMs, signal },
  );
  const { ok, code, details, suggestions, target, summary, steps } = diagnosis;
  if (!ok) return { status: 'failed', code, summary, details, suggestions };
  const told = steps.find(({ name }) => name === 'http')?.words ?? '';
  return { status: 'ok', summary: `${target} answers: ${told}` };
};

const examineLocal = async (
  engine: EngineUnderTest,
  { voiceId, timeoutMs }: EngineCheckOptions,
  signal: AbortSignal,
): Promise<Finding> => {
  const { details } = await withDeadline((inner) => engine.probe(inner), timeoutMs, { signal });
  const voices = engine.voices().map(({ id }) => id);
  if (voiceId === undefined || voices.includes(voiceId)) return { status: 'ok', summary: details };
  return {
    status: 'failed',
    code: 'voice_not_found',
    summary: `It does not have the voice "${voiceId}".`,
    details: `it has ${voices.join(', ')}`,
    suggestions: ['Choose one of the voices that the service has'],
  };
};

/** An engine: whether it is reached, whether it is ready, and whether it has the wished voice. */
export const engineCheck = (engine: EngineUnderTest, options: EngineCheckOptions): Check => ({
  name: engine.name,
  group: 'engines',
  run: (signal) =>
    engine.endpoint === undefined
      ? examineLocal(engine, options, signal)
      : examineRemote(engine, engine.endpoint, options, signal),
});
