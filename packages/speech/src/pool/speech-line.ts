import type { ErrorCode, ErrorReport, Log, TalebackError } from '@taleback/core';
import type {
  BreakerChange,
  BreakerChangeCause,
  Clock,
  Priority,
  ProfileNumbers,
  Random,
} from '@taleback/resilience';
import { durationMsOf, type Pcm } from '../audio/pcm.ts';
import type {
  RemoteEngine,
  SpeechChunk,
  SpeechProfile,
  SynthesisOptions,
  VoiceProfile,
} from '../engines/engine.ts';
import type { TtsManagerConfig } from './pool-config.ts';
import type { OpenSpeechChild } from './speech-child.ts';

/** @see docs/origins.md#worker-states */
export type WorkerState = 'INITIALIZING' | 'READY' | 'BUSY' | 'UNHEALTHY' | 'SHUTTING_DOWN' | 'TERMINATED';

/** From best to worst. ISOLATED: opened by hand, so that it does not recover automatically. */
const BREAKER_STATES = ['CLOSED', 'HALF_OPEN', 'OPEN', 'ISOLATED'] as const;
export type WorkerBreakerState = (typeof BREAKER_STATES)[number];

/** Several worker processes, one, a thread of this process, or a service across a network. */
export type PoolMode = 'pool' | 'single' | 'in-process' | 'remote';

export interface LastFailure {
  readonly code: ErrorCode;
  readonly message: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

/** The state of one worker. Times are epoch milliseconds. */
export interface WorkerSnapshot {
  /** The name of the slot, such as `worker-1`; a restarted worker keeps it. */
  readonly id: string;
  readonly state: WorkerState;
  readonly pid?: number | undefined;
  /** Negotiated version of the line protocol, such as `2.1.0`. */
  readonly protocol?: string | undefined;
  readonly model?: string | undefined;
  /** Requests in progress. */
  readonly inFlight: number;
  /** Requests that it ended, spoken or failed. */
  readonly jobsDone: number;
  /** How often the process of this slot was started again. */
  readonly restarts: number;
  /** Failures in a row that its breaker counted. */
  readonly consecutiveFailures: number;
  /** 0..1, of its recent requests. */
  readonly successRate: number;
  readonly averageResponseMs: number;
  /** 0..100. @see docs/origins.md#health-score */
  readonly healthScore: number;
  /** Resident memory of its process, bytes. */
  readonly rssBytes?: number | undefined;
  readonly breaker: WorkerBreakerState;
  /** When an open breaker admits a trial. */
  readonly retryAtMs?: number | undefined;
  /** The last failure that its breaker counted since the start or a reset. */
  readonly lastFailure?: LastFailure | undefined;
  readonly lastSuccessAtMs?: number | undefined;
  /** What the last probe of a remote service found wrong. */
  readonly fault?: { readonly code: ErrorCode; readonly message: string } | undefined;
  /** When it entered its state. */
  readonly sinceMs: number;
}

/** The state of a queue and its workers. */
export interface PoolSnapshot {
  readonly mode: PoolMode;
  /** Waiting requests of every priority. */
  readonly queueDepth: number;
  readonly queued: Readonly<Record<Priority, number>>;
  /** Requests in progress. */
  readonly inFlight: number;
  readonly workers: readonly WorkerSnapshot[];
}

export const worstBreaker = (workers: readonly WorkerSnapshot[]): WorkerBreakerState | undefined =>
  BREAKER_STATES.findLast((state) => workers.some(({ breaker }) => breaker === state));

/** The queues and workers of several engines as one; undefined for none. */
export const combinePools = (pools: readonly PoolSnapshot[]): PoolSnapshot | undefined => {
  if (pools.length <= 1) return pools[0];
  const sum = (numberOf: (pool: PoolSnapshot) => number): number =>
    pools.reduce((total, pool) => total + numberOf(pool), 0);
  return {
    mode: pools.find(({ mode }) => mode !== 'remote')?.mode ?? 'remote',
    queueDepth: sum(({ queueDepth }) => queueDepth),
    queued: {
      high: sum(({ queued }) => queued.high),
      normal: sum(({ queued }) => queued.normal),
      low: sum(({ queued }) => queued.low),
    },
    inFlight: sum(({ inFlight }) => inFlight),
    workers: pools.flatMap(({ workers }) => workers),
  };
};

type BreakerKind = BreakerChange['to']['kind'];

export type FaultOrigin = 'unhandledRejection' | 'uncaughtException';

/** One event per thing that happened in the speech service, in the order it happened. */
export type SynthesisEvent =
  /** A request entered the queue. */
  | { readonly kind: 'accepted'; readonly priority: Priority }
  /** A request never entered: protection, kill switch, rate limit, queue full. */
  | { readonly kind: 'refused'; readonly code: ErrorCode }
  /** Exactly one per accepted request. `latencyMs` counts from its acceptance. */
  | {
      readonly kind: 'ended';
      readonly outcome: 'spoken';
      readonly latencyMs: number;
      readonly audioMs: number;
      readonly characters: number;
    }
  | {
      readonly kind: 'ended';
      readonly outcome: 'failed';
      readonly latencyMs: number;
      readonly code: ErrorCode;
    }
  /** A request was handed to a worker after `waitedMs` in the queue; choosing the worker took `routingMs`. */
  | {
      readonly kind: 'dispatched';
      readonly workerId: string;
      readonly waitedMs: number;
      readonly routingMs?: number;
    }
  /** `generationMs` is the time from the dispatch to the worker's answer. */
  | {
      readonly kind: 'attempt-ended';
      readonly workerId: string;
      readonly generationMs: number;
      readonly outcome: 'spoken' | 'failed';
      readonly code?: ErrorCode;
    }
  /** Another attempt follows a failed one. `attempt` is the number of the coming one, so 2 or more. */
  | {
      readonly kind: 'retried';
      readonly engine: string;
      readonly code: ErrorCode;
      readonly attempt: number;
    }
  | {
      readonly kind: 'breaker-changed';
      readonly workerId: string;
      readonly from: BreakerKind;
      readonly to: BreakerKind;
      readonly cause: BreakerChangeCause;
      readonly consecutiveFailures: number;
      readonly lastFailure?: LastFailure | undefined;
      readonly retryAtMs?: number | undefined;
    }
  /** An open breaker kept a request away from an engine. */
  | {
      readonly kind: 'breaker-rejected';
      readonly engine: string;
      readonly retryAfterMs?: number | undefined;
    }
  /** `from` is NEW when the pool begins or grows. `TERMINATED` to `INITIALIZING` is what counts as a restart. */
  | {
      readonly kind: 'worker-changed';
      readonly workerId: string;
      readonly from: WorkerState | 'NEW';
      readonly to: WorkerState;
      readonly cause?: string;
    }
  | { readonly kind: 'protection-changed'; readonly active: boolean; readonly reason?: string }
  | { readonly kind: 'process-fault'; readonly origin: FaultOrigin };

/** Receives every event, at once and in order. It must not throw. */
export type SynthesisListener = (event: SynthesisEvent) => void;

export type AttemptEnd<Failure = ErrorReport> =
  | { readonly kind: 'spoken'; readonly sound: Pcm }
  | { readonly kind: 'failed'; readonly error: Failure };

export const attemptEnded = (
  workerId: string,
  end: AttemptEnd<Pick<ErrorReport, 'code'>>,
  generationMs: number,
): SynthesisEvent => ({
  kind: 'attempt-ended',
  workerId,
  generationMs,
  outcome: end.kind,
  ...(end.kind === 'failed' ? { code: end.error.code } : {}),
});

export const requestSpoken = (latencyMs: number, sound: Pcm, text: string): SynthesisEvent => ({
  kind: 'ended',
  outcome: 'spoken',
  latencyMs,
  audioMs: durationMsOf(sound.samples.length, sound.sampleRateHz),
  characters: text.length,
});

/** An engine that child processes of ours host: what it can speak, and how a child is started. */
export interface HostedPlugin extends SpeechProfile {
  /** The model that speaks with a voice: workers are specialized by it. */
  readonly modelOf: (voiceId: string) => string;
  readonly openChild: OpenSpeechChild;
  /** Speaks in this process when no child comes up, if the engine can. */
  readonly openThread?: OpenSpeechChild | undefined;
  /** Stores a recording where children can read it, for engines that clone voices. @returns its path */
  readonly keepProfile?: ((profile: VoiceProfile) => Promise<string>) | undefined;
  /** In place of the manager's numbers. */
  readonly numbers?: Partial<ProfileNumbers> | undefined;
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
  /** Speaks a word, which the breaker counts; processes are checked all the time. */
  test?(): Promise<void>;
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
