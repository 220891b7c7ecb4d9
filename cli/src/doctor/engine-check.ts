import { DeadlineExceededError, tryWithDeadline } from '@taleback/resilience';
import { diagnose } from '@taleback/speech/src/diagnosis/diagnose.ts';
import type { Diagnosis } from '@taleback/speech/src/diagnosis/diagnosis.ts';
import type { EngineUnderTest } from '@taleback/speech/src/diagnosis/engine-under-test.ts';
import type { NetworkProbe } from '@taleback/speech/src/diagnosis/network.ts';
import type { Check, Finding } from './check.ts';

export interface EngineCheckOptions {
  readonly network: NetworkProbe;
  /** The voice that is wished. */
  readonly voiceId?: string | undefined;
  /** Whether a running worker waits for an answer of the engine; what it throws says nothing. Default: none does. */
  readonly isAtWork?: ((engine: string, signal: AbortSignal) => Promise<boolean>) | undefined;
  /** Time for the diagnosis, ms: less than the check has, so that its words come through. */
  readonly timeoutMs: number;
}

const MORE_TIME = 'a longer --timeout, such as --timeout 120';

/** An engine that takes connections and says nothing: one that serves one request at a time does so while it speaks. */
const hungFinding = (
  { code, target, details, summary, suggestions }: Diagnosis,
  isAtWork: boolean,
): Finding => {
  const told = { code, details };
  if (isAtWork) {
    return {
      ...told,
      status: 'warning',
      summary: `${target} does not answer while it is at work for the worker that runs here.`,
      suggestions: [`Look again when the story is told, or with ${MORE_TIME}`, ...suggestions],
    };
  }
  const hint =
    'It may be at work on a story: an engine that serves one request at a time answers nobody meanwhile';
  return {
    ...told,
    status: 'failed',
    summary,
    suggestions: [`${hint}. Look again later, or with ${MORE_TIME}`, ...suggestions],
  };
};

const examineRemote = async (
  engine: EngineUnderTest,
  endpoint: string,
  { network, voiceId, isAtWork = async () => false, timeoutMs }: EngineCheckOptions,
  signal: AbortSignal,
): Promise<Finding> => {
  // Asked at the same time: afterwards its work may be done.
  const atWork = tryWithDeadline((inner) => isAtWork(engine.name, inner), timeoutMs, { signal }).then(
    (outcome) => outcome.kind === 'completed' && outcome.value,
    () => false,
  );
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
  const { ok, code, details, suggestions, target, summary, steps, trouble } = diagnosis;
  if (trouble === 'hung') return hungFinding(diagnosis, await atWork);
  if (!ok) return { status: 'failed', code, summary, details, suggestions };
  const told = steps.find(({ name }) => name === 'http')?.words ?? '';
  return { status: 'ok', summary: `${target} answers: ${told}` };
};

/** It may well be well: a model that is loaded for the first time takes minutes. */
const late = (timeoutMs: number): Finding => ({
  status: 'failed',
  code: 'timed_out',
  summary: `It was not ready to speak within ${timeoutMs / 1000} s.`,
  suggestions: [
    `A model takes its time to load: look again with ${MORE_TIME}`,
    'Look at the processor, the memory and the disk: they may be short of room for the model',
  ],
});

const examineLocal = async (
  engine: EngineUnderTest,
  { voiceId, timeoutMs }: EngineCheckOptions,
  signal: AbortSignal,
): Promise<Finding> => {
  const outcome = await tryWithDeadline((inner) => engine.probe(inner), timeoutMs, { signal }).catch(
    (error: unknown) => {
      // A deadline of its own, such as that of a process which has to start.
      if (error instanceof DeadlineExceededError)
        return { kind: 'late', timeoutMs: error.timeoutMs } as const;
      throw error;
    },
  );
  if (outcome.kind === 'late') return late(outcome.timeoutMs);
  if (outcome.kind !== 'completed') return late(timeoutMs);
  const { details } = outcome.value;
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
