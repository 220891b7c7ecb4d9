import type { ErrorReport } from '@taleback/core';
import type { Priority } from '@taleback/resilience';
import type { Pcm } from '../audio/pcm.ts';
import type { SpeechChunk, VoiceStyle } from '../engines/engine.ts';

/** One short text to speak. */
export interface SpeechRequest extends Pick<SpeechChunk, 'text' | 'voiceId' | 'speed' | 'language'> {
  readonly priority?: Priority | undefined;
  /** Passed to the engine as they are. */
  readonly engineOptions?: Readonly<Record<string, unknown>> | undefined;
}

/** One attempt at a request on one child. */
export interface ChildCall {
  /** Never used twice. */
  readonly correlationId: string;
  readonly request: SpeechRequest;
  /** 0 for the first attempt. */
  readonly retryCount: number;
}

export interface ChildReadiness {
  /** Protocol version, or its equivalent. */
  readonly protocol: string;
  /** Calls it takes at once, 1 or more. */
  readonly concurrency: number;
  /** The model in memory, if reported. */
  readonly model: string | undefined;
}

export interface ChildPulse {
  readonly rssBytes: number | undefined;
  readonly model: string | undefined;
}

/** What a child reports. Never called after `onEnd`. */
export interface SpeechChildEvents {
  /** Once, when it can speak. */
  readonly onReady: (readiness: ChildReadiness) => void;
  readonly onSpoken: (correlationId: string, sound: Pcm) => void;
  readonly onFailed: (correlationId: string, error: ErrorReport) => void;
  /** It answered a ping. */
  readonly onPulse: (pulse: ChildPulse) => void;
  /** It is gone, whether it left or was killed. Once. */
  readonly onEnd: (cause: string) => void;
}

/** A process or thread that speaks. */
export interface SpeechChild {
  /** Absent for a thread. */
  readonly pid: number | undefined;
  /** One that does not answer pings is judged by its calls alone. */
  readonly answersPings: boolean;
  speak(call: ChildCall): void;
  /** Its call still ends once, as failed or, too late, as spoken. */
  cancel(correlationId: string): void;
  ping(): void;
  /** Asks it to finish its work and leave. */
  leave(): void;
  kill(): void;
}

/** Starts a child. It may throw when it cannot even try. */
export type OpenSpeechChild = (workerId: string, events: SpeechChildEvents) => SpeechChild;

/** Recording and style in the words of the line protocol; what is not given is left out. */
export const engineOptions = (
  profilePath: string | undefined,
  { exaggeration, cfgWeight, temperature }: VoiceStyle = {},
): Readonly<Record<string, unknown>> => ({
  ...(profilePath === undefined ? {} : { voice_profile_path: profilePath }),
  ...(exaggeration === undefined ? {} : { exaggeration }),
  ...(cfgWeight === undefined ? {} : { cfg_weight: cfgWeight }),
  ...(temperature === undefined ? {} : { temperature }),
});
