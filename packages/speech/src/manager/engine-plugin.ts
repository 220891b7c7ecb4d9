import type { RemoteEngine, SpeechProfile, VoiceProfile } from '../engines/index.ts';
import type { OpenSpeechChild } from '../pool/pool-index.ts';

/** Puts a recording where the children of an engine can read it. @returns its path, the same for the same recording */
export type KeepProfile = (profile: VoiceProfile) => Promise<string>;

/**
 * An engine as the manager is given it: what it can speak, and how a child that hosts it is started. The manager knows
 * no engine by name; a new one is a new object of this shape.
 */
export interface HostedPlugin extends SpeechProfile {
  /** The model that speaks with a voice: workers are specialized by it. */
  readonly modelOf: (voiceId: string) => string;
  readonly openChild: OpenSpeechChild;
  /** Speaks in this process when no child comes up, if the engine can. */
  readonly openThread?: OpenSpeechChild | undefined;
  /** For engines that clone voices. */
  readonly keepProfile?: KeepProfile | undefined;
}

/** An engine that children of ours host, or one that is reached across a network. */
export type EnginePlugin = HostedPlugin | RemoteEngine;

export const isRemote = (plugin: EnginePlugin): plugin is RemoteEngine => 'probe' in plugin;
