import type { ErrorCode } from '@taleback/core';
import { type Clock, systemClock, withDeadline } from '@taleback/resilience';
import { type NetworkProbe, type ProbeConnection, parseTarget, type TlsFinding } from './network.node.ts';
import {
  explain,
  judgeError,
  judgeTls,
  type StepName,
  type Trouble,
  type Verdict,
  withoutSecrets,
} from './trouble.ts';

export interface DiagnosisStep {
  readonly name: StepName;
  readonly outcome: 'ok' | 'failed' | 'skipped';
  readonly ms: number;
  /** What was found, or the error, for operators. */
  readonly words: string;
}

/** What was found out about a place. Plain JSON without secrets. */
export interface Diagnosis {
  /** Where, such as `https://tts.example.com`. */
  readonly target: string;
  readonly host: string;
  readonly ok: boolean;
  /** Absent when all is well. */
  readonly code?: ErrorCode;
  readonly trouble?: Trouble;
  /** One sentence. */
  readonly summary: string;
  /** The error of the step that failed. */
  readonly details?: string;
  readonly steps: readonly DiagnosisStep[];
  /** What to do, the likeliest first; when all is well, what it may have been. */
  readonly suggestions: readonly string[];
  /** How long it took. */
  readonly ms: number;
  /** ISO 8601. */
  readonly at: string;
}

/** An engine as it is diagnosed. A RemoteEngine is one. */
export interface EngineUnderTest {
  readonly name: string;
  /** Where it is reached; absent for one that runs on this machine. */
  readonly endpoint?: string | undefined;
  /** @throws TalebackError what is wrong with it */
  readonly probe: (signal: AbortSignal) => Promise<{ readonly details: string }>;
  /** Speaks a word after the probe. @throws TalebackError why it does not. Default: the probe shows that it speaks */
  readonly speak?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** Known after a probe; an engine in reach may have none before. */
  readonly voices: () => readonly { readonly id: string }[];
}

export interface DiagnosisPorts {
  readonly network: NetworkProbe;
  /**
   * Asks the service whether it is well; returns a line about it. Default: it is not asked.
   * @throws TalebackError what is wrong with it
   */
  readonly health?: ((signal: AbortSignal) => Promise<string>) | undefined;
  /** The requested voice, and those that the service has, read after its health check. */
  readonly voice?: { readonly id: string; readonly known: () => readonly string[] } | undefined;
}

export interface DiagnosisOptions {
  /** For all steps together, ms. Default 5,000. @see docs/origins.md#diagnostics */
  readonly timeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
  /** Ends the diagnosis, which then rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 5_000;
/** Voices that are named; a service may have hundreds. */
const MAX_NAMED_VOICES = 20;

/** What a step found: words for operators, or why it failed. */
type StepFinding = string | Extract<TlsFinding, { ok: false }> | Verdict;

const verdictOf = (finding: Exclude<StepFinding, string>): Verdict =>
  'ok' in finding ? judgeTls(finding.trouble, finding.words) : finding;

const namesOf = (voices: readonly string[]): string => {
  const named = voices.slice(0, MAX_NAMED_VOICES).join(', ') || 'none';
  return voices.length > MAX_NAMED_VOICES ? `${named} and ${voices.length - MAX_NAMED_VOICES} more` : named;
};

/**
 * Finds out what is wrong with a place: DNS, TCP, TLS, the health of the service, the voice. Everything is bounded, and
 * every socket is closed. What is wrong is the result, never an exception.
 *
 * @throws the reason of `signal`, when it aborts; RangeError when the time is not over 0
 * @see docs/origins.md#diagnostics
 * @example
 * import { createNetworkProbe, diagnose } from '@taleback/speech/diagnosis';
 * const { ok, code, suggestions } = await diagnose('ftp://tts.example', { network: createNetworkProbe() });
 * console.log(ok, code); // false request_invalid
 * console.log(suggestions[0]); // Write the address as http://host:port, https://, ws:// or wss://
 */
export const diagnose = async (
  address: string,
  { network, health, voice }: DiagnosisPorts,
  { timeoutMs = TIMEOUT_MS, clock = systemClock, signal }: DiagnosisOptions = {},
): Promise<Diagnosis> => {
  const startMs = clock.now();
  const at = new Date(startMs).toISOString();
  let target: ReturnType<typeof parseTarget>;
  try {
    target = parseTarget(address);
  } catch {
    const nowhere = { host: '', port: 0, secure: false, isName: false, label: 'the address' };
    const { summary, suggestions } = explain('address', nowhere);
    const verdict = { ok: false, code: 'request_invalid', trouble: 'address' } as const;
    return { ...verdict, target: nowhere.label, host: '', summary, suggestions, steps: [], ms: 0, at };
  }
  const { host, port, secure, isName } = target;
  const steps: DiagnosisStep[] = [];
  let verdict: Verdict | undefined;

  const skip = (name: StepName, words: string): void =>
    void steps.push({ name, outcome: 'skipped', ms: 0, words });
  /** All steps share one time; after one that fails, the others are skipped. */
  const run = async (name: StepName, step: (stop: AbortSignal) => Promise<StepFinding>): Promise<void> => {
    if (verdict !== undefined) return skip(name, 'a step before it failed');
    const stepMs = clock.now();
    const leftMs = Math.max(1, startMs + timeoutMs - stepMs);
    let found: StepFinding;
    try {
      found = await withDeadline(step, Math.round(leftMs), { clock, signal });
    } catch (error) {
      found = judgeError(name, error);
    }
    signal?.throwIfAborted();
    const ms = Math.round(clock.now() - stepMs);
    if (typeof found === 'string') {
      steps.push({ name, outcome: 'ok', ms, words: found });
      return;
    }
    verdict = verdictOf(found);
    steps.push({ name, outcome: 'failed', ms, words: verdict.details });
  };

  let addresses: readonly string[] = [host];
  let connection: ProbeConnection | undefined;
  try {
    if (isName) {
      await run('dns', async (stop) => {
        addresses = await network.resolve(host, stop);
        return addresses.join(', ');
      });
    } else skip('dns', 'it is an address');
    await run('tcp', async (stop) => {
      connection = await network.connect(addresses, port, stop);
      return `connected to ${connection.address}`;
    });
    if (secure) {
      await run('tls', async (stop) => {
        const finding = await connection?.handshake(host, stop);
        return finding === undefined || finding.ok ? (finding?.protocol ?? '') : finding;
      });
    } else skip('tls', 'it is not spoken here');
  } finally {
    connection?.close();
  }
  if (health === undefined) skip('http', 'not asked for');
  else await run('http', async (stop) => withoutSecrets(await health(stop)));
  if (voice !== undefined) {
    await run('voice', async () => {
      const known = voice.known();
      if (known.includes(voice.id)) return voice.id;
      const details = withoutSecrets(`there is no voice "${voice.id}"; there is ${namesOf(known)}`);
      return { code: 'voice_not_found', trouble: 'voice', details };
    });
  }
  const ms = Math.round(clock.now() - startMs);
  const ok = verdict === undefined;
  return { target: target.label, host, ok, ...verdict, ...explain(verdict?.trouble, target), steps, ms, at };
};
