import type { Log, TalebackError } from '@taleback/core';
import type { Clock, Random } from '@taleback/resilience';
import type { Pcm } from '../audio/pcm.ts';
import type {
  RemoteEngine,
  SpeechChunk,
  SpeechProfile,
  SynthesisOptions,
  VoiceProfile,
} from '../engines/engine.ts';
import type { TtsManagerConfig } from './pool-config.ts';
import type { PoolSnapshot } from './pool-snapshot.ts';
import type { OpenSpeechChild } from './speech-child.ts';
import type { SynthesisListener } from './synthesis-event.ts';

/** An engine that child processes of ours host: what it can speak, and how a child is started. */
export interface HostedPlugin extends SpeechProfile {
  /** The model that speaks with a voice: workers are specialized by it. */
  readonly modelOf: (voiceId: string) => string;
  readonly openChild: OpenSpeechChild;
  /** Speaks in this process when no child comes up, if the engine can. */
  readonly openThread?: OpenSpeechChild | undefined;
  /** Stores a recording where children can read it, for engines that clone voices. @returns its path */
  readonly keepProfile?: ((profile: VoiceProfile) => Promise<string>) | undefined;
}

/** An engine that children of ours host, or one that is reached across a network. */
export type EnginePlugin = HostedPlugin | RemoteEngine;

/**
 * Whether an engine is reached across a network.
 *
 * @example
 * const { plugin, close } = await openFlitePlugin({ environment: process.env, log: () => {} });
 * console.log(isRemote(plugin)); // false
 * await close();
 */
export const isRemote = (plugin: EnginePlugin): plugin is RemoteEngine => 'probe' in plugin;

/**
 * Where the chunks of one engine wait and are spoken: a pool of processes here, or a remote service. Every chunk ends once,
 * with sound or with a TalebackError.
 */
export interface SpeechLine {
  /** @throws TalebackError when the engine cannot be started */
  start(): Promise<void>;
  speak(chunk: SpeechChunk, options?: SynthesisOptions): Promise<Pcm>;
  snapshot(): PoolSnapshot;
  /** Closes every circuit breaker. */
  resetBreakers(): void;
  /** Takes no more chunks, lets current ones end within this time, then ends it. Safe to call again. */
  close(drainMs?: number): Promise<void>;
}

export interface LineOptions {
  readonly config: TtsManagerConfig;
  /** Before the names of its workers, such as `flite/`. */
  readonly workerPrefix?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly publish: SynthesisListener;
  /** Called when a remote service finally failed to speak a chunk, or a probe found it at fault. */
  readonly onServiceFailure?: ((error: TalebackError) => void) | undefined;
}
