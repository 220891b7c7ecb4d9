import { type Clock, systemClock } from '@taleback/resilience';
import type { Diagnosis, Trouble } from './diagnosis.ts';
import { type DiagnosisTarget, parseTarget } from './diagnosis-target.ts';
import type { NetworkProbe, ProbeConnection } from './network.ts';
import { StepRecorder } from './step-recorder.ts';
import { suggestionsFor } from './suggestions.ts';
import { withoutSecrets } from './without-secrets.ts';

export interface DiagnosisPorts {
  readonly network: NetworkProbe;
  /**
   * Asks the service, in its own words, whether it is well; gives a line about it. Default: it is not asked.
   * @throws TalebackError what is wrong with it
   */
  readonly health?: ((signal: AbortSignal) => Promise<string>) | undefined;
  /** The voice that is wished, and those that the service has, asked after its health. */
  readonly voice?: { readonly id: string; readonly known: () => readonly string[] } | undefined;
}

export interface DiagnosisOptions {
  /** For everything together, ms. Default 5,000, as seed 002 has it. */
  readonly timeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
  /** Ends the diagnosis, which then rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 5_000;
/** So many voices are named; a service may have hundreds. */
const MAX_NAMED_VOICES = 20;

const SUMMARIES: Readonly<Record<Trouble, (target: DiagnosisTarget) => string>> = {
  'name-unknown': ({ host }) => `DNS resolution failed: there is no host "${host}".`,
  'resolver-away': ({ host }) => `DNS resolution failed: nobody could be asked for "${host}".`,
  refused: ({ host, port }) => `Port ${port} of ${host} refuses connections.`,
  unreachable: ({ host, port }) => `Port ${port} of ${host} cannot be reached.`,
  filtered: ({ host, port }) => `Port ${port} of ${host} does not answer.`,
  'certificate-expired': ({ host }) => `The certificate of ${host} has expired.`,
  'certificate-not-yet-valid': ({ host }) => `The certificate of ${host} is not valid yet.`,
  'certificate-self-signed': ({ host }) => `The certificate of ${host} is self-signed.`,
  'certificate-wrong-host': ({ host }) => `The certificate of ${host} is made out for another host.`,
  'certificate-untrusted': ({ host }) => `The certificate of ${host} is signed by nobody we know.`,
  'tls-protocol': ({ host, port }) => `The TLS handshake with port ${port} of ${host} failed.`,
  hung: ({ host }) => `${host} takes connections and does not answer.`,
  'hung-up': ({ host }) => `${host} hung up.`,
  credentials: ({ host }) => `${host} does not accept our key.`,
  permission: ({ host }) => `${host} does not allow this with our key.`,
  'rate-limit': ({ host }) => `${host} is asked for too much: its rate limit is reached.`,
  quota: ({ host }) => `Our allowance at ${host} is used up.`,
  voice: ({ host }) => `${host} does not have the voice.`,
  address: () => 'The address cannot be read.',
  service: ({ host }) => `${host} answers, but not as it should.`,
};

const namesOf = (voices: readonly string[]): string => {
  const named = voices.slice(0, MAX_NAMED_VOICES).join(', ') || 'none';
  return voices.length > MAX_NAMED_VOICES ? `${named} and ${voices.length - MAX_NAMED_VOICES} more` : named;
};

const runSteps = async (
  recorder: StepRecorder,
  target: DiagnosisTarget,
  { network, health, voice }: DiagnosisPorts,
): Promise<void> => {
  const { host, port, secure, isName } = target;
  let addresses: readonly string[] = [host];
  let connection: ProbeConnection | undefined;
  try {
    if (isName) {
      await recorder.run('dns', async (signal) => {
        addresses = await network.resolve(host, signal);
        return addresses.join(', ');
      });
    } else recorder.skip('dns', 'it is an address');
    await recorder.run('tcp', async (signal) => {
      connection = await network.connect(addresses, port, signal);
      return `connected to ${connection.address}`;
    });
    if (secure) {
      await recorder.run('tls', async (signal) => {
        const finding = await connection?.handshake(host, signal);
        return finding === undefined || finding.ok ? (finding?.protocol ?? '') : finding;
      });
    } else recorder.skip('tls', 'it is not spoken here');
  } finally {
    connection?.close();
  }
  if (health === undefined) recorder.skip('http', 'nobody asked');
  else await recorder.run('http', async (signal) => withoutSecrets(await health(signal)));
  if (voice === undefined) return;
  await recorder.run('voice', async () => {
    const known = voice.known();
    if (known.includes(voice.id)) return voice.id;
    const details = withoutSecrets(`there is no voice "${voice.id}"; there is ${namesOf(known)}`);
    return { verdict: { code: 'voice_not_found', trouble: 'voice', details } };
  });
};

/**
 * Finds out what is wrong with a place: DNS, TCP, TLS, the health of the service, the voice. Everything is bounded, and
 * every socket is closed. What is wrong is the answer, never an exception.
 *
 * @throws the reason of `signal`, when it aborts; RangeError when the time is not over 0
 * @see seed 002, check_network_connectivity and diagnose_tts_failure
 */
export const diagnose = async (
  address: string,
  ports: DiagnosisPorts,
  { timeoutMs = TIMEOUT_MS, clock = systemClock, signal }: DiagnosisOptions = {},
): Promise<Diagnosis> => {
  const startMs = clock.now();
  const at = new Date(startMs).toISOString();
  let target: DiagnosisTarget;
  try {
    target = parseTarget(address);
  } catch {
    const nowhere = { host: '', port: 0, secure: false, isName: false, label: 'the address' };
    const told = { summary: SUMMARIES.address(nowhere), suggestions: suggestionsFor('address', nowhere) };
    const verdict = { code: 'request_invalid', trouble: 'address' } as const;
    return { target: nowhere.label, host: '', ok: false, ...verdict, ...told, steps: [], ms: 0, at };
  }
  const recorder = new StepRecorder({ timeoutMs, clock, signal });
  await runSteps(recorder, target, ports);
  const { verdict, steps } = recorder;
  const told = {
    target: target.label,
    host: target.host,
    steps,
    suggestions: suggestionsFor(verdict?.trouble, target),
    ms: Math.round(clock.now() - startMs),
    at,
  };
  if (verdict === undefined)
    return { ...told, ok: true, summary: `Network connectivity to ${target.host} is working.` };
  return { ...told, ok: false, ...verdict, summary: SUMMARIES[verdict.trouble](target) };
};
