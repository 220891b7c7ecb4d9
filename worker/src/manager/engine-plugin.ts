import type { SpeechProfile } from '../engines/index.ts';
import type { OpenSpeechChild } from './pool/index.ts';

/**
 * An engine as the manager is given it: what it can speak, and how a child that hosts it is started. The manager knows
 * no engine by name; a new one is a new object of this shape.
 */
export interface EnginePlugin extends SpeechProfile {
  /** The model that speaks with a voice: workers are specialized by it. */
  readonly modelOf: (voiceId: string) => string;
  readonly openChild: OpenSpeechChild;
  /** Speaks in this process when no child comes up, if the engine can. */
  readonly openThread?: OpenSpeechChild | undefined;
}
