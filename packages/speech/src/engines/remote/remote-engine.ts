import { TalebackError } from '@taleback/core/errors';
import type { Pcm } from '../../audio/pcm.ts';
import { tidyText } from '../../text/clean-text.ts';
import {
  type CheckedChunk,
  checkChunk,
  type EngineProbe,
  type RemoteEngine,
  type SpeechProfile,
  type Voice,
} from '../engine.ts';

/** What a service can speak; its own array of voices each time it changes. */
export interface Repertoire {
  readonly voices: readonly Voice[];
  readonly languages: readonly string[];
}

export interface RemoteEngineParts
  extends Pick<RemoteEngine, 'name' | 'policy' | 'endpoint' | 'clonesVoices'> {
  /** Until a probe finds another. */
  readonly repertoire: Repertoire;
  /** Requests that it sends at once. Default: those of the policy. */
  readonly concurrency?: (() => number) | undefined;
  /** For the latency of a probe, ms. Default: the system's clock. */
  readonly now?: (() => number) | undefined;
  readonly speak: (
    chunk: CheckedChunk,
    signal: AbortSignal | undefined,
    profile: SpeechProfile,
  ) => Promise<Pcm>;
  readonly probe: (
    signal: AbortSignal,
  ) => Promise<Omit<EngineProbe, 'latencyMs'> & { readonly repertoire: Repertoire }>;
}

/** What all engines across a network have in common: checked chunks, timed probes, and voices that a probe replaces. */
export const createRemoteEngine = (parts: RemoteEngineParts): RemoteEngine => {
  const { name, policy, endpoint, clonesVoices, speak, now = Date.now } = parts;
  const { concurrency = () => policy.bulkhead?.maxConcurrent ?? 1 } = parts;
  let { repertoire } = parts;
  const engine: RemoteEngine = {
    name,
    policy,
    endpoint,
    clonesVoices,
    prepareText: tidyText,
    get languages() {
      return repertoire.languages;
    },
    voices: () => repertoire.voices,
    get concurrency() {
      return concurrency();
    },
    synthesizeChunk: async (chunk, { signal } = {}) =>
      speak(checkChunk(engine, chunk, signal), signal, engine),
    probe: async (signal) => {
      const startedAtMs = now();
      const { details, model, repertoire: found } = await parts.probe(signal);
      repertoire = found;
      return { details, model, latencyMs: Math.max(0, Math.round(now() - startedAtMs)) };
    },
  };
  return engine;
};

interface VoiceOffer {
  /** The engine's name. */
  readonly service: string;
  readonly there: readonly Voice[];
  readonly configured: readonly string[] | undefined;
  /** What a configured id is, if the service has it. Default: the voice of that id. */
  readonly find?: (id: string) => Voice | undefined;
  /** What a service has that lists no voices. Default `none`. */
  readonly nothing?: string;
}

/** The configured voices that the service has, or all of its own. @throws TalebackError `voice_not_found` for none */
export const offeredVoices = ({
  service,
  there,
  configured,
  find = (id) => there.find((voice) => voice.id === id),
  nothing = 'none',
}: VoiceOffer): readonly Voice[] => {
  const voices = configured?.length ? configured.flatMap((id) => find(id) ?? []) : there;
  if (voices.length > 0) return voices;
  throw new TalebackError('voice_not_found', 'The speech service has none of the voices.', {
    details: `${service} has ${there.map(({ id }) => id).join(', ') || nothing}`,
  });
};
