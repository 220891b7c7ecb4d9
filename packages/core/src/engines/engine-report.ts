import type { ErrorCode } from '../errors/catalogue.ts';

/** From best to worst: speaks; speaks, but not as it should; does not speak. */
export const ENGINE_STATES = ['ready', 'degraded', 'unavailable'] as const;
export type EngineState = (typeof ENGINE_STATES)[number];

export const BREAKER_STATES = ['CLOSED', 'OPEN', 'HALF_OPEN', 'ISOLATED'] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

/** What a worker says of itself. */
export const WORKER_STATES = ['starting', 'ready', 'degraded', 'protected', 'stopping'] as const;
export type ReportedWorkerState = (typeof WORKER_STATES)[number];

/** Engines of one report; more are cut off. */
export const MAX_REPORTED_ENGINES = 20;
/** Voices of one report, all engines together; more are cut off. The largest catalogue in use has 400. */
export const MAX_REPORTED_VOICES = 500;

export interface ReportedVoice {
  readonly id: string;
  /** What a person reads in a list of voices. */
  readonly name: string;
  /** BCP 47 tags; empty where the voice speaks whatever its engine speaks. */
  readonly languages: readonly string[];
  readonly gender: string | undefined;
  readonly accent: string | undefined;
  readonly remark: string | undefined;
}

/** How an engine is, in the eyes of one worker. */
export interface EngineHealth {
  readonly state: EngineState;
  /** Why it is not ready, in the worker's words. */
  readonly reason: string | undefined;
  readonly errorCode: ErrorCode | undefined;
  readonly breaker: BreakerState | undefined;
  /** Unix milliseconds; when its circuit breaker lets a trial through. */
  readonly retryAtMs: number | undefined;
}

/** What an engine can do. */
export interface EngineAbilities {
  /** BCP 47 tags. A primary tag such as `en` stands for all its regions. */
  readonly languages: readonly string[];
  readonly clonesVoices: boolean;
  readonly voices: readonly ReportedVoice[];
}

export interface ReportedEngine extends EngineHealth, EngineAbilities {
  readonly name: string;
}

/** The body of `POST /api/tts/engines`, in our own names: all that a worker knows of its engines and of itself. */
export interface EnginesReport {
  readonly workerId: string;
  /** Each name once. */
  readonly engines: readonly ReportedEngine[];
  readonly state: ReportedWorkerState | undefined;
  /** Requests that wait. */
  readonly queueDepth: number | undefined;
  /** Requests that are being worked on. */
  readonly inFlight: number | undefined;
  /** Unix milliseconds. */
  readonly startedAtMs: number | undefined;
  /** Voices and language tags that were told but are in no shape to be used, and so are not in the report. */
  readonly leftOut: number;
}
