import { DeadlineExceededError, tryWithDeadline } from '@taleback/resilience';
import {
  diagnose,
  type Diagnosis,
  type EngineUnderTest,
  type NetworkProbe,
} from '@taleback/speech/diagnosis';
import type { NamedBreaker } from '../worker-client.ts';
import type { Check, CheckStatus, Finding } from './examine.ts';

export interface EngineCheckOptions {
  readonly network: NetworkProbe;
  /** The voice that is wanted. */
  readonly voiceId?: string | undefined;
  /** Whether a running worker waits for an answer of the engine; a failure counts as no. Default: none does. */
  readonly isAtWork?: ((engine: string, signal: AbortSignal) => Promise<boolean>) | undefined;
  /** Time for the diagnosis, ms: less than the check has, so that its own findings are reported. */
  readonly timeoutMs: number;
}

const MORE_TIME = 'a longer --timeout, such as --timeout 120';

/** An engine that accepts connections and does not answer: one that serves one request at a time does so at work. */
const hungFinding = (
  { code, target, details, summary, suggestions }: Diagnosis,
  isAtWork: boolean,
): Finding =>
  isAtWork
    ? {
        status: 'warning',
        code,
        details,
        summary: `${target} does not answer while it is at work for the worker that runs here.`,
        suggestions: [`Look again when the story is finished, or with ${MORE_TIME}`, ...suggestions],
      }
    : {
        status: 'failed',
        code,
        details,
        summary,
        suggestions: [
          `It may be at work on a story: an engine that serves one request at a time does not answer meanwhile. Look again later, or with ${MORE_TIME}`,
          ...suggestions,
        ],
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
  const known = (): readonly string[] => voicesOf(engine);
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
  return {
    status: 'ok',
    summary: `${target} answers: ${steps.find(({ name }) => name === 'http')?.words ?? ''}`,
  };
};

/** It may work all the same: a model that is loaded for the first time takes minutes. */
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
  try {
    const outcome = await tryWithDeadline((inner) => engine.probe(inner), timeoutMs, { signal });
    if (outcome.kind !== 'completed') return late(timeoutMs);
    const voices = voicesOf(engine);
    if (voiceId === undefined || voices.includes(voiceId))
      return { status: 'ok', summary: outcome.value.details };
    return {
      status: 'failed',
      code: 'voice_not_found',
      summary: `It does not have the voice "${voiceId}".`,
      details: `it has ${voices.join(', ')}`,
      suggestions: ['Choose one of the voices that the service has'],
    };
  } catch (error) {
    // A deadline of the engine's own, such as that of a process which has to start.
    if (error instanceof DeadlineExceededError) return late(error.timeoutMs);
    throw error;
  }
};

/** An engine: whether it is reached, whether it is ready, and whether it has the wanted voice. */
export const engineCheck = (engine: EngineUnderTest, options: EngineCheckOptions): Check => ({
  name: engine.name,
  group: 'engines',
  run: (signal) =>
    engine.endpoint === undefined
      ? examineLocal(engine, options, signal)
      : examineRemote(engine, engine.endpoint, options, signal),
});

/** The result of an engine's check; without a status it threw. */
interface ExaminedEngine {
  readonly engine: EngineUnderTest;
  readonly status: CheckStatus | undefined;
}

/** So many voices of an engine are named; a service may have hundreds. */
const MAX_NAMED_VOICES = 20;

const voicesOf = ({ voices }: EngineUnderTest): readonly string[] => voices().map(({ id }) => id);

const listed = (engine: EngineUnderTest): string => {
  const voices = voicesOf(engine);
  const more = voices.length > MAX_NAMED_VOICES ? ` and ${voices.length - MAX_NAMED_VOICES} more` : '';
  return `${engine.name} has ${voices.slice(0, MAX_NAMED_VOICES).join(', ') || 'none'}${more}`;
};

const judgeVoice = (voiceId: string, examined: readonly ExaminedEngine[]): Finding => {
  const names = (some: readonly ExaminedEngine[]): string => some.map(({ engine }) => engine.name).join(', ');
  const owners = examined.filter(({ engine }) => voicesOf(engine).includes(voiceId));
  if (owners.length > 0)
    return { status: 'ok', summary: `The voice "${voiceId}" is there: ${names(owners)}.` };
  const silent = examined.filter(({ status }) => status !== 'ok');
  return {
    status: 'failed',
    code: 'voice_not_found',
    summary: `No engine${silent.length > 0 ? ' that answers' : ''} has the voice "${voiceId}".`,
    details: examined.map(({ engine }) => listed(engine)).join('; '),
    suggestions: [
      ...(silent.length > 0 ? [`Mend first what did not answer, which may have it: ${names(silent)}`] : []),
      'Choose one of the voices that the engines have',
    ],
  };
};

/**
 * The checks of all engines. Of several, any may have the wanted voice: it is judged once, when all were examined. They
 * have to run together.
 */
export const engineChecks = (
  engines: readonly EngineUnderTest[],
  options: EngineCheckOptions,
): readonly Check[] => {
  const { voiceId } = options;
  if (voiceId === undefined || engines.length < 2)
    return engines.map((engine) => engineCheck(engine, options));
  const all = engines.map((engine) => {
    const check = engineCheck(engine, { ...options, voiceId: undefined });
    const { promise: examined, resolve } = Promise.withResolvers<ExaminedEngine>();
    const run: Check['run'] = async (signal) => {
      let status: CheckStatus | undefined;
      try {
        const finding = await check.run(signal);
        ({ status } = finding);
        return finding;
      } finally {
        resolve({ engine, status });
      }
    };
    return { check: { ...check, run }, examined };
  });
  const run = async (): Promise<Finding> =>
    judgeVoice(voiceId, await Promise.all(all.map(({ examined }) => examined)));
  return [...all.map(({ check }) => check), { name: 'voice', group: 'engines', run }];
};

const breakerStates = (some: readonly NamedBreaker[]): string =>
  some.map(({ name, state }) => `${name} is ${state}`).join(', ');

const examineBreakers = (breakers: readonly NamedBreaker[]): Finding => {
  const open = breakers.filter(({ state }) => state === 'OPEN' || state === 'ISOLATED');
  if (open.length > 0) {
    return {
      status: 'warning',
      code: 'circuit_open',
      summary: `The worker leaves ${open.length} of ${breakers.length} alone: ${breakerStates(open)}.`,
      suggestions: ['When the cause is mended: taleback breaker reset NAME'],
    };
  }
  const trying = breakers.filter(({ state }) => state === 'HALF_OPEN');
  if (trying.length > 0) return { status: 'warning', summary: `A trial is due: ${breakerStates(trying)}.` };
  return { status: 'ok', summary: `All ${breakers.length} are CLOSED.` };
};

/** The circuit breakers of the worker that runs here; undefined when none does. @throws when it answers nonsense */
export const breakerCheck = (
  read: (signal: AbortSignal) => Promise<readonly NamedBreaker[] | undefined>,
): Check => ({
  name: 'circuit breakers',
  group: 'engines',
  run: async (signal) => {
    const breakers = await read(signal);
    return breakers === undefined
      ? { status: 'skipped', summary: 'No worker runs here.' }
      : examineBreakers(breakers);
  },
});
