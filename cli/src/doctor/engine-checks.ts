import { DeadlineExceededError, tryWithDeadline } from '@taleback/resilience';
import { numbersInForce, type NumberInForce } from '@taleback/speech';
import { diagnose, type EngineUnderTest, type NetworkProbe } from '@taleback/speech/diagnosis';
import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import type { Environment } from '../options.node.ts';
import type { NamedBreaker } from '../worker-client.ts';
import { type Check, failed, failedBy, type Finding } from './examine.ts';

export interface EngineCheckOptions {
  readonly network: NetworkProbe;
  readonly voiceId?: string | undefined;
  /** Whether a running worker waits for an answer of the engine; a failure counts as no. Default: none does. */
  readonly isAtWork?: ((engine: string, signal: AbortSignal) => Promise<boolean>) | undefined;
  /** Time for the diagnosis, ms: less than the check has, so that its own findings are reported. */
  readonly timeoutMs: number;
}

const MORE_TIME = 'a longer --timeout, such as --timeout 120';

const voicesOf = ({ voices }: EngineUnderTest): readonly string[] => voices().map(({ id }) => id);

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
  const voice = voiceId === undefined ? undefined : { id: voiceId, known: () => voicesOf(engine) };
  const health = async (inner: AbortSignal): Promise<string> => (await engine.probe(inner)).details;
  const found = await diagnose(endpoint, { network, health, voice }, { timeoutMs, signal });
  const { ok, target, steps, trouble, ms } = found;
  const words = steps.find(({ name }) => name === 'http')?.words ?? '';
  const { speak } = engine;
  if (ok) {
    if (speak === undefined) return { status: 'ok', summary: `${target} answers: ${words}` };
    // Available means that it speaks.
    const spoken = await tryWithDeadline(speak, Math.max(1, timeoutMs - ms), { signal });
    if (spoken.kind === 'completed') return { status: 'ok', summary: `${target} speaks: ${words}` };
  } else if (trouble !== 'hung') return failedBy(found);
  const finding = ok
    ? failed('timed_out', `${target} answers, but speaks no word in time.`)
    : failedBy(found);
  // It accepts connections and does not answer: one that serves one request at a time does so at work.
  if (await atWork) {
    return {
      ...finding,
      status: 'warning',
      summary: `${target} does not answer while it is at work for the worker that runs here.`,
      suggestions: [`Look again when the story is finished, or with ${MORE_TIME}`, ...found.suggestions],
    };
  }
  const busy = `It may be at work on a story: an engine that serves one request at a time does not answer meanwhile. Look again later, or with ${MORE_TIME}`;
  return { ...finding, suggestions: [busy, ...found.suggestions] };
};

/** It may work all the same: a model that is loaded for the first time takes minutes. */
const late = (timeoutMs: number): Finding =>
  failed(
    'timed_out',
    `It was not ready to speak within ${timeoutMs / 1000} s.`,
    `A model takes its time to load: look again with ${MORE_TIME}`,
    'Look at the processor, the memory and the disk: they may be short of room for the model',
  );

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
    const remedy = 'Choose one of the voices that the service has';
    const finding = failed('voice_not_found', `It does not have the voice "${voiceId}".`, remedy);
    return { ...finding, details: `it has ${voices.join(', ')}` };
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

/** So many voices of an engine are named; a service may have hundreds. */
const MAX_NAMED_VOICES = 20;

const listed = (engine: EngineUnderTest): string => {
  const voices = voicesOf(engine);
  const more = voices.length > MAX_NAMED_VOICES ? ` and ${voices.length - MAX_NAMED_VOICES} more` : '';
  return `${engine.name} has ${voices.slice(0, MAX_NAMED_VOICES).join(', ') || 'none'}${more}`;
};

const namesOf = (engines: readonly EngineUnderTest[]): string => engines.map(({ name }) => name).join(', ');

/** @param silent those whose own check did not end well */
const judgeVoice = (
  voiceId: string,
  engines: readonly EngineUnderTest[],
  silent: readonly EngineUnderTest[],
): Finding => {
  const owners = engines.filter((engine) => voicesOf(engine).includes(voiceId));
  if (owners.length > 0)
    return { status: 'ok', summary: `The voice "${voiceId}" is there: ${namesOf(owners)}.` };
  const isUnsure = silent.length > 0;
  const finding = failed(
    'voice_not_found',
    `No engine${isUnsure ? ' that answers' : ''} has the voice "${voiceId}".`,
    ...(isUnsure ? [`Mend first what did not answer, which may have it: ${namesOf(silent)}`] : []),
    'Choose one of the voices that the engines have',
  );
  return { ...finding, details: engines.map(listed).join('; ') };
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
  const examined = engines.map((engine) => ({ engine, isWell: Promise.withResolvers<boolean>() }));
  const checks = examined.map(({ engine, isWell }): Check => {
    const check = engineCheck(engine, { ...options, voiceId: undefined });
    const run: Check['run'] = async (signal) => {
      try {
        const finding = await check.run(signal);
        isWell.resolve(finding.status === 'ok');
        return finding;
      } finally {
        isWell.resolve(false); // unless it was resolved before
      }
    };
    return { ...check, run };
  });
  const run = async (): Promise<Finding> => {
    const areWell = await Promise.all(examined.map(({ isWell }) => isWell.promise));
    return judgeVoice(
      voiceId,
      engines,
      engines.filter((_, index) => areWell[index] === false),
    );
  };
  return [...checks, { name: 'voice', group: 'engines', run }];
};

const named = ({ value, variable }: NumberInForce): string =>
  variable === undefined ? value : `${value} (${variable})`;

/** The numbers that an engine is called with, and the variables that they come from; the others are its profile's. */
export const numbersCheck = (
  engine: string,
  { config, environment }: { readonly config: WorkerConfig; readonly environment: Environment },
): Check => ({
  name: `numbers of ${engine}`,
  group: 'engines',
  run: async () => {
    const { profile, numbers } = numbersInForce(engine, {
      engines: config.engines,
      manager: config.speech.manager,
      environment,
    });
    return { status: 'ok', summary: `Profile ${named(profile)}: ${numbers.map(named).join(', ')}.` };
  },
});

/** The circuit breakers of the worker that runs here; undefined when none does. @throws when it answers nonsense */
export const breakerCheck = (
  read: (signal: AbortSignal) => Promise<readonly NamedBreaker[] | undefined>,
): Check => ({
  name: 'circuit breakers',
  group: 'engines',
  run: async (signal) => {
    const breakers = await read(signal);
    if (breakers === undefined) return { status: 'skipped', summary: 'No worker runs here.' };
    const those = (...states: readonly NamedBreaker['state'][]): readonly string[] =>
      breakers.filter(({ state }) => states.includes(state)).map(({ name, state }) => `${name} is ${state}`);
    const open = those('OPEN', 'ISOLATED');
    if (open.length > 0) {
      return {
        status: 'warning',
        code: 'circuit_open',
        summary: `The worker leaves ${open.length} of ${breakers.length} alone: ${open.join(', ')}.`,
        suggestions: ['When the cause is mended: taleback breaker reset NAME'],
      };
    }
    const trying = those('HALF_OPEN');
    if (trying.length > 0) return { status: 'warning', summary: `A trial is due: ${trying.join(', ')}.` };
    const failing = breakers.flatMap(({ name, consecutiveFailures: count = 0 }) =>
      count === 0 ? [] : [`; ${name} failed ${count} in a row`],
    );
    return { status: 'ok', summary: `All ${breakers.length} are CLOSED${failing.join('')}.` };
  },
});
