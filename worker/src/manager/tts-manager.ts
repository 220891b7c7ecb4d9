import { TalebackError, toTalebackError } from '@taleback/core';
import { type Clock, type Random, systemClock } from '@taleback/resilience';
import { type AudioEncoder, createWavEncoder } from '../audio/index.ts';
import type { SpeechEngine } from '../engines/index.ts';
import {
  describeStatus,
  type Log,
  type ProtectionWords,
  type ServicePhase,
  type ServiceStatus,
  type StatusInput,
  type SynthesisEvent,
  type SynthesisListener,
  SynthesisStatistics,
} from '../observe/index.ts';
import { describeReason, type Protection, type ProtectionOverview } from '../protection/index.ts';
import type { EnginePlugin } from './engine-plugin.ts';
import { parseManagerConfig, type TtsManagerConfig, type TtsManagerOverrides } from './manager-config.ts';
import { createNarrate, type Narrate } from './narrate.ts';
import { parseSynthesisRequest } from './parse-synthesis-request.ts';
import { WorkerPool } from './pool/index.ts';
import type { SynthesisRequest, SynthesisResult, TtsService } from './tts-service.ts';
import { verifyChunk } from './verify-chunk.ts';

export interface TtsManagerParts {
  readonly plugin: EnginePlugin;
  /** Keeps new synthesis away from a machine that is in trouble. Default: nothing does. Its owner starts and stops it. */
  readonly protection?: Protection | undefined;
  /** Hears every event, after the manager's own statistics. */
  readonly listeners?: readonly SynthesisListener[] | undefined;
  readonly log: Log;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/** See `TtsManager.picture`. */
export type ServicePicture = Pick<StatusInput, 'phase' | 'protection' | 'machine' | 'pool'>;

/** Time that `shutdown` gives to what is under way, in milliseconds. */
const DRAIN_MS = 10_000;

/**
 * The speech service: one engine in a pool of processes, behind a queue, circuit breakers and protection.
 *
 * @see seed 004, "TTSManager"
 */
export class TtsManager implements TtsService {
  /** The engine as anybody may use it: every chunk is spoken by the pool. It asks no protection. */
  readonly engine: SpeechEngine;
  readonly #parts: TtsManagerParts;
  readonly #clock: Clock;
  readonly #statistics: SynthesisStatistics;
  readonly #speakWav: Narrate;
  #config: TtsManagerConfig;
  #phase: ServicePhase = { kind: 'starting' };
  #pool: WorkerPool | undefined;
  #started: Promise<void> | undefined;
  readonly #stopListening: (() => void) | undefined;
  #ended: Promise<void> | undefined;

  /** @throws Error that names every field of the configuration at fault. */
  constructor(overrides: TtsManagerOverrides, parts: TtsManagerParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    this.#config = parseManagerConfig(overrides);
    this.#statistics = new SynthesisStatistics(this.#clock);
    const { languages, name, prepareText, voices } = parts.plugin;
    const maxWorkers = (): number => this.#config.workerPool.maxWorkers;
    this.engine = {
      name,
      languages,
      voices,
      prepareText,
      // `initialize` may give it another configuration.
      get concurrency() {
        return maxWorkers();
      },
      // Not async: a promise around the pool's own would cost every chunk another turn.
      synthesizeChunk: (chunk, { signal, priority, tenant } = {}) => {
        try {
          verifyChunk(parts.plugin, chunk);
          return this.#requirePool().speak({ ...chunk, priority }, { signal, tenant });
        } catch (error) {
          return Promise.reject(toTalebackError(error));
        }
      },
    };
    this.#speakWav = createNarrate({ engine: this.engine, encoder: createWavEncoder() });
    this.#stopListening = parts.protection?.mode.onChange((change) => {
      if (change.kind === 'left') this.#tell({ kind: 'protection-changed', active: false });
      else if (change.kind === 'entered') {
        const reason = describeReason(change.status.reason);
        this.#tell({ kind: 'protection-changed', active: true, reason });
      }
    });
  }

  async initialize(overrides?: TtsManagerOverrides): Promise<void> {
    if (this.#phase.kind === 'stopping') throw stopping();
    if (overrides !== undefined && this.#started === undefined) this.#config = parseManagerConfig(overrides);
    this.#started ??= this.#start();
    await this.#started;
  }

  async synthesize(
    request: SynthesisRequest,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<SynthesisResult> {
    const { text, voice, language = 'en', speed, priority, tenant } = parseSynthesisRequest(request);
    this.#admit();
    const spoken = await this.#speakWav(
      { text, voiceId: voice, language, speed },
      { signal, priority, tenant },
    );
    const { bytes, durationMs, sampleRateHz, voiceId, engine } = spoken;
    return {
      audio: bytes,
      contentType: 'audio/wav',
      sampleRateHz,
      durationMs,
      voice: voiceId,
      engine,
    };
  }

  /** Narration by this service into files of the encoder, kept away by its protection like everything new. */
  narrator(encoder: AudioEncoder): Narrate {
    const narrate = createNarrate({ engine: this.engine, encoder });
    return async (request, options) => {
      this.#admit();
      return narrate(request, options);
    };
  }

  getStatus(): ServiceStatus {
    return describeStatus({
      ...this.picture(),
      summary: this.#statistics.summary(),
      nowMs: this.#clock.now(),
    });
  }

  /** How it stands, without the figures: what readiness and metrics are made of. */
  picture(): ServicePicture {
    const overview = this.#parts.protection?.overview();
    return {
      phase: this.#phase,
      protection: protectionWords(overview),
      machine: overview?.machine?.sample ?? {},
      pool: this.#pool?.snapshot(),
    };
  }

  /** From now on it says that it is stopping; what is under way goes on until `shutdown`. */
  announceStop(): void {
    if (this.#phase.kind !== 'stopping') this.#phase = { kind: 'stopping', sinceMs: this.#clock.now() };
  }

  /** Counts what the process itself suffers. */
  record(event: SynthesisEvent): void {
    this.#tell(event);
  }

  shutdown(drainMs: number = DRAIN_MS): Promise<void> {
    this.announceStop();
    this.#ended ??= this.#end(drainMs);
    return this.#ended;
  }

  async #end(drainMs: number): Promise<void> {
    await this.#pool?.close(drainMs);
    this.#stopListening?.();
  }

  async #start(): Promise<void> {
    const { plugin, log, random = Math.random } = this.#parts;
    const { workerPool } = this.#config;
    const pool = new WorkerPool({
      config: this.#config,
      openChild: plugin.openChild,
      openThread: plugin.openThread,
      modelOf: workerPool.modelSpecialization ? plugin.modelOf : () => plugin.name,
      clock: this.#clock,
      random,
      log,
      tell: (event) => this.#tell(event),
    });
    this.#pool = pool;
    try {
      await pool.start();
    } catch (error) {
      // Nothing of a start that failed goes on, and another may follow.
      await pool.close();
      this.#pool = undefined;
      this.#started = undefined;
      throw error;
    }
    if (this.#phase.kind === 'starting') this.#phase = { kind: 'running' };
  }

  #requirePool(): WorkerPool {
    if (this.#pool !== undefined) return this.#pool;
    throw new TalebackError('model_unavailable', 'The speech service has not been started.');
  }

  /** @throws TalebackError of the protection, when nothing new may begin. */
  #admit(): void {
    const admission = this.#parts.protection?.admit();
    if (admission === undefined || admission.admitted) return;
    this.#tell({ kind: 'refused', code: admission.error.code });
    throw admission.error;
  }

  #tell(event: SynthesisEvent): void {
    this.#statistics.record(event);
    for (const listener of this.#parts.listeners ?? []) listener(event);
  }
}

const stopping = (): TalebackError => new TalebackError('job_cancelled', 'The speech service is stopping.');

const protectionWords = (overview: ProtectionOverview | undefined): ProtectionWords => {
  if (overview?.killSwitch.disabled === true) return { active: true, reason: 'switched off by an operator' };
  const mode = overview?.mode;
  return mode?.active === true ? { active: true, reason: describeReason(mode.reason) } : { active: false };
};
