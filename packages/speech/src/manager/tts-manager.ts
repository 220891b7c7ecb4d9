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
} from '../status/index.ts';
import { describeReason, type Protection, type ProtectionOverview } from '../protection/index.ts';
import { type EnginePlugin, isRemote } from './engine-plugin.ts';
import { createPoolLine, type SpeechLine } from './line-index.ts';
import { parseManagerConfig, type TtsManagerConfig, type TtsManagerOverrides } from './manager-config.ts';
import { createNarrate, type Narrate } from './narrate.ts';
import { parseSynthesisRequest } from './parse-synthesis-request.ts';
import { WorkerPool } from '../pool/pool-index.ts';
import { RemoteLine } from '../remote/index.ts';
import type { SynthesisRequest, SynthesisResult, TtsService } from './tts-service.ts';
import { verifyChunk } from './verify-chunk.ts';

export interface TtsManagerParts {
  readonly plugin: EnginePlugin;
  /** Keeps new synthesis away from a machine that is in trouble. Default: nothing does. Its owner starts and stops it. */
  readonly protection?: Protection | undefined;
  /** Hears every event, after the manager's own statistics. */
  readonly listeners?: readonly SynthesisListener[] | undefined;
  /** Told when a service across a network failed at a chunk for good. */
  readonly onServiceFailure?: ((error: TalebackError) => void) | undefined;
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
  #line: SpeechLine | undefined;
  #started: Promise<void> | undefined;
  readonly #stopListening: (() => void) | undefined;
  #ended: Promise<void> | undefined;

  /** @throws Error that names every field of the configuration at fault. */
  constructor(overrides: TtsManagerOverrides, parts: TtsManagerParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    this.#config = parseManagerConfig(overrides);
    this.#statistics = new SynthesisStatistics(this.#clock);
    const { plugin } = parts;
    const { name, prepareText, voices, clonesVoices } = plugin;
    const concurrency = (): number =>
      isRemote(plugin) ? plugin.concurrency : this.#config.workerPool.maxWorkers;
    this.engine = {
      name,
      // A service may tell of more when it is asked.
      get languages() {
        return plugin.languages;
      },
      voices,
      prepareText,
      clonesVoices,
      // `initialize` may give it another configuration.
      get concurrency() {
        return concurrency();
      },
      // Not async: a promise around the pool's own would cost every chunk another turn.
      synthesizeChunk: (chunk, options) => {
        try {
          verifyChunk(plugin, chunk);
          return this.#requireLine().speak(chunk, options);
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

  /**
   * Narration by this service into files of the encoder, kept away by its protection like everything new.
   *
   * @param around what stands between the narration and the engine, such as a cache of chunks
   */
  narrator(
    encoder: AudioEncoder,
    around: (engine: SpeechEngine) => SpeechEngine = (engine) => engine,
  ): Narrate {
    const narrate = createNarrate({ engine: around(this.engine), encoder });
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
      pool: this.#line?.snapshot(),
    };
  }

  /** Closes its circuit breakers by hand. @see seed 002, "Manual reset (admin only)" */
  resetBreakers(): void {
    this.#line?.resetBreakers();
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
    await this.#line?.close(drainMs);
    this.#stopListening?.();
  }

  async #start(): Promise<void> {
    const line = this.#openLine();
    this.#line = line;
    try {
      await line.start();
    } catch (error) {
      // Nothing of a start that failed goes on, and another may follow.
      await line.close();
      this.#line = undefined;
      this.#started = undefined;
      throw error;
    }
    if (this.#phase.kind === 'starting') this.#phase = { kind: 'running' };
  }

  #openLine(): SpeechLine {
    const { plugin, log, random = Math.random, onServiceFailure } = this.#parts;
    const common = { clock: this.#clock, random, log, tell: (event: SynthesisEvent) => this.#tell(event) };
    if (isRemote(plugin)) return new RemoteLine({ ...common, engine: plugin, onServiceFailure });
    const { workerPool } = this.#config;
    const pool = new WorkerPool({
      ...common,
      config: this.#config,
      openChild: plugin.openChild,
      openThread: plugin.openThread,
      modelOf: workerPool.modelSpecialization ? plugin.modelOf : () => plugin.name,
    });
    return createPoolLine(pool, plugin);
  }

  #requireLine(): SpeechLine {
    if (this.#line !== undefined) return this.#line;
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
