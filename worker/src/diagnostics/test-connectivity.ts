import { toTalebackError } from '@taleback/core';
import { type Clock, systemClock, withDeadline } from '@taleback/resilience';
import type { Log } from '../observe/index.ts';
import { diagnose } from './diagnose.ts';
import type { Diagnosis } from './diagnosis.ts';
import { formatDiagnosis } from './format-diagnosis.ts';
import type { NetworkProbe } from './network.ts';
import { withoutSecrets } from './without-secrets.ts';

/** An engine as it is tested and diagnosed. A RemoteEngine is one. */
export interface EngineUnderTest {
  readonly name: string;
  /** Where it is reached; absent for one that runs on this machine. */
  readonly endpoint?: string | undefined;
  /** @throws TalebackError what is wrong with it */
  readonly probe: (signal: AbortSignal) => Promise<{ readonly details: string }>;
  /** Known when it was asked; an engine in reach may have none before. */
  readonly voices: () => readonly { readonly id: string }[];
  /** Speaks a short sentence, for those that want to pay for one. @throws TalebackError */
  readonly speak?: ((signal: AbortSignal) => Promise<unknown>) | undefined;
}

/** What became of one engine's test. */
export interface Connectivity {
  readonly engine: string;
  readonly available: boolean;
  /** Absent for an engine of this machine. */
  readonly diagnosis?: Diagnosis;
}

export interface ConnectivityOptions {
  readonly network: NetworkProbe;
  readonly log: Log;
  readonly clock?: Clock | undefined;
  /** For each engine, ms. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 5_000;

/** The health of an engine: its own probe, and a sentence when it has one to speak. */
const askEngine =
  ({ probe, speak }: EngineUnderTest) =>
  async (signal: AbortSignal): Promise<string> => {
    const { details } = await probe(signal);
    await speak?.(signal);
    return details;
  };

const testRemote = async (
  engine: EngineUnderTest,
  endpoint: string,
  { network, log, timeoutMs = TIMEOUT_MS, clock, signal }: ConnectivityOptions,
): Promise<Connectivity> => {
  const diagnosis = await diagnose(
    endpoint,
    { network, health: askEngine(engine) },
    { timeoutMs, clock, signal },
  );
  const { ok: available, code, summary, details, suggestions, steps, ms } = diagnosis;
  const about = { engine: engine.name, endpoint: diagnosis.target, ms };
  if (available) log('info', 'TTS service is available', { ...about, details: steps.at(-1)?.words });
  else {
    const told = { code, summary, details, suggestions };
    log('warn', 'TTS service is unavailable', { ...about, ...told, words: formatDiagnosis(diagnosis) });
  }
  return { engine: engine.name, available, diagnosis };
};

const testLocal = async (
  engine: EngineUnderTest,
  { log, timeoutMs = TIMEOUT_MS, clock = systemClock, signal }: ConnectivityOptions,
): Promise<Connectivity> => {
  const details = await withDeadline(askEngine(engine), timeoutMs, { clock, signal });
  log('info', 'TTS service is available', { engine: engine.name, details });
  return { engine: engine.name, available: true };
};

/**
 * Tests every engine, side by side, and logs what it found. It never rejects, so a start need not wait for it.
 *
 * @see seed 002, test_tts_connectivity
 */
export const testConnectivity = (
  engines: readonly EngineUnderTest[],
  options: ConnectivityOptions,
): Promise<readonly Connectivity[]> =>
  Promise.all(
    engines.map(async (engine): Promise<Connectivity> => {
      try {
        return await (engine.endpoint === undefined
          ? testLocal(engine, options)
          : testRemote(engine, engine.endpoint, options));
      } catch (error) {
        const { code, message } = toTalebackError(error);
        const details = withoutSecrets(message);
        options.log('warn', 'TTS service is unavailable', { engine: engine.name, code, details });
        return { engine: engine.name, available: false };
      }
    }),
  );
