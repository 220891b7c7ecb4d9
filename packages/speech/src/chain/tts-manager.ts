import { type Log, TalebackError } from '@taleback/core';
import { type Clock, type Random, systemClock } from '@taleback/resilience';
import { type AudioEncoder, createWavEncoder } from '../audio/audio-encoder.ts';
import type { SpeechEngine } from '../engines/engine.ts';
import { embeddedFlite } from '../engines/hosted-plugins.node.ts';
import { parseManagerConfig, type TtsManagerOverrides } from '../pool/pool-config.ts';
import {
  combinePools,
  type EnginePlugin,
  type PoolSnapshot,
  type SynthesisEvent,
  type SynthesisListener,
} from '../pool/speech-line.ts';
import { describeReason } from '../protection/protection-mode.ts';
import type { Protection, ProtectionOverview } from '../protection/protection.ts';
import {
  decideReadiness,
  describeStatus,
  type EngineStatus,
  type MachineUsage,
  type ProtectionSummary,
  type Readiness,
  type ServicePhase,
  type ServiceStatus,
} from '../status/service-status.ts';
import { logEvents } from '../status/event-logs.ts';
import { SynthesisStatistics } from '../status/statistics.ts';
import { EngineLine } from './engine-line.ts';
import { createNarrator, type Narrate, type SpeechCaches } from './narrate.ts';
import { planChain } from './plan-chain.ts';
import type { NarrationRequest } from './plan-narration.ts';
import { parseSynthesisRequest, type SynthesisRequest, type SynthesisResult } from './synthesis-request.ts';

export interface TtsManagerParts {
  /** In the order of preference, with different names: the next one speaks when one fails. Default: the embedded one. */
  readonly engines?: readonly [EnginePlugin, ...EnginePlugin[]] | undefined;
  /** Voices of one engine that are tried. Default 1: no substitutes. */
  readonly mostVoices?: number | undefined;
  /** Keeps new synthesis away from a machine in trouble. Default: none. The caller starts and stops it. */
  readonly protection?: Protection | undefined;
  /** Receive every event, after the manager's own statistics. */
  readonly listeners?: readonly SynthesisListener[] | undefined;
  /** Called when a remote engine finally failed at a chunk, or a probe found it at fault. */
  readonly onServiceFailure?: ((engine: string, error: TalebackError) => void) | undefined;
  /** Default: warnings and errors go to standard error. */
  readonly log?: Log | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

const logTrouble: Log = (severity, message, fields = {}) => {
  if (severity === 'error' || severity === 'warn')
    process.stderr.write(`${severity}: ${message} ${JSON.stringify(fields)}\n`);
};

/** The state of the service without its figures: what readiness and metrics are made of. */
export interface ServiceSnapshot {
  readonly phase: ServicePhase;
  readonly protection: ProtectionSummary;
  readonly machine: MachineUsage;
  /** Of all engines; undefined before the start. */
  readonly pool: PoolSnapshot | undefined;
}

/** Time that `shutdown` gives to current work, in milliseconds. */
const DRAIN_MS = 10_000;

/**
 * The speech service: engines in pools of processes or across a network, each behind a queue and circuit breakers, under
 * one protection, with the next engine in place of one that fails.
 *
 * @see docs/origins.md#service
 * @example
 * const manager = new TtsManager({ workerPool: { maxWorkers: 2 } });
 * await manager.initialize();
 * const { durationMs } = await manager.synthesize({ text: 'Hello there.' });
 * console.log(durationMs > 500); // true
 * await manager.shutdown();
 */
export class TtsManager {
  /** The first engine, for single chunks: without protection and without fallbacks. */
  readonly engine: SpeechEngine;
  readonly #parts: TtsManagerParts;
  readonly #log: Log;
  readonly #embedded: ReturnType<typeof embeddedFlite> | undefined;
  readonly #clock: Clock;
  readonly #statistics: SynthesisStatistics;
  readonly #logEvent: SynthesisListener;
  readonly #lines: readonly [EngineLine, ...EngineLine[]];
  readonly #speakWav: Narrate;
  readonly #stopListening: (() => void) | undefined;
  #phase: ServicePhase = { kind: 'starting' };
  #started: Promise<void> | undefined;
  #ended: Promise<void> | undefined;

  /** @throws Error that names every invalid field of the configuration */
  constructor(overrides: TtsManagerOverrides = {}, parts: TtsManagerParts = {}) {
    this.#parts = parts;
    const log = parts.log ?? logTrouble;
    this.#log = log;
    this.#clock = parts.clock ?? systemClock;
    const config = parseManagerConfig(overrides);
    this.#statistics = new SynthesisStatistics(this.#clock);
    const embedded = embeddedFlite({ log });
    const { engines = [embedded.plugin], random = Math.random, onServiceFailure } = parts;
    this.#embedded = parts.engines === undefined ? embedded : undefined;
    this.#logEvent = logEvents(log);
    const lineOf = (plugin: EnginePlugin): EngineLine =>
      new EngineLine(plugin, {
        config,
        workerPrefix: engines.length > 1 ? `${plugin.name}/` : '',
        clock: this.#clock,
        random,
        log,
        publish: (event) => this.record(event),
        onServiceFailure: (error) => onServiceFailure?.(plugin.name, error),
      });
    const [first, ...others] = engines;
    this.#lines = [lineOf(first), ...others.map(lineOf)];
    this.engine = this.#lines[0].profile;
    this.#speakWav = this.narrator(createWavEncoder());
    this.#stopListening = parts.protection?.mode.onChange((change) => {
      if (change.kind === 'left') this.record({ kind: 'protection-changed', active: false });
      else if (change.kind === 'entered') {
        const reason = describeReason(change.status.reason);
        this.record({ kind: 'protection-changed', active: true, reason });
      }
    });
  }

  /**
   * Starts every engine, and resolves with the first that comes up. One that does not is tried again every 30 s.
   *
   * @param overrides replace those of the constructor, if it is the first call
   * @throws TalebackError of the first engine when none comes up; a later call tries again
   */
  async initialize(overrides?: TtsManagerOverrides): Promise<void> {
    this.#refuseWhenStopping();
    if (overrides !== undefined && this.#started === undefined) {
      const config = parseManagerConfig(overrides);
      for (const line of this.#lines) line.config = config;
    }
    this.#started ??= this.#start();
    await this.#started;
  }

  /** Speaks a text. @throws TalebackError only */
  async synthesize(
    request: SynthesisRequest,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<SynthesisResult> {
    const { text, voice, language = 'en', speed, priority, tenant } = parseSynthesisRequest(request);
    const narration = await this.#speakWav(
      { text, voiceId: voice, language, speed },
      { signal, priority, tenant },
    );
    const { bytes, durationMs, sampleRateHz, voiceId, engine } = narration;
    return { audio: bytes, contentType: 'audio/wav', sampleRateHz, durationMs, voice: voiceId, engine };
  }

  /** Narration into files of the encoder, by the first engine that can. */
  narrator(encoder: AudioEncoder, caches?: SpeechCaches): Narrate {
    const { mostVoices = 1 } = this.#parts;
    return createNarrator({
      engines: this.#lines,
      mostVoices,
      encoder,
      caches,
      admit: () => this.#admit(),
      log: this.#log,
    });
  }

  /**
   * Names of the engines that can speak a request, whether they are available at the moment or not.
   *
   * @throws TalebackError see `planChain`
   */
  ableEngines(need: Omit<NarrationRequest, 'text'>): readonly string[] {
    return planChain(this.#lines, { ...need, text: '' }, 1).map(({ engine }) => engine.profile.name);
  }

  getStatus(): ServiceStatus {
    return describeStatus({
      ...this.snapshot(),
      startFaults: this.#startFaults(),
      summary: this.#statistics.summary(),
      engines: this.engines(),
      nowMs: this.#clock.now(),
    });
  }

  snapshot(): ServiceSnapshot {
    const overview = this.#parts.protection?.overview();
    return {
      phase: this.#phase,
      protection: summarize(overview),
      machine: overview?.machine?.sample ?? {},
      pool: combinePools(this.#lines.flatMap((line) => line.pool() ?? [])),
    };
  }

  readiness(): Readiness {
    return decideReadiness({ ...this.snapshot(), startFaults: this.#startFaults() });
  }

  /** The engines in the order of preference. */
  engines(): readonly EngineStatus[] {
    return this.#lines.map((line) => line.status());
  }

  /**
   * Closes the circuit breakers of an engine, or of all.
   *
   * @returns false when there is no engine of this name
   * @see docs/origins.md#breaker-status
   */
  resetBreakers(name?: string): boolean {
    const lines = this.#lines.filter(({ profile }) => name === undefined || profile.name === name);
    for (const line of lines) line.resetBreakers();
    return lines.length > 0;
  }

  /** Lets the service of this name, or each, speak a word, which its breaker counts. */
  async testServices(name?: string): Promise<void> {
    const lines = this.#lines.filter(({ profile }) => name === undefined || profile.name === name);
    await Promise.all(lines.map((line) => line.test()));
  }

  /** Takes an event into the statistics and publishes it, such as a fault of the process. */
  record(event: SynthesisEvent): void {
    this.#statistics.record(event);
    this.#logEvent(event);
    for (const listener of this.#parts.listeners ?? []) listener(event);
  }

  /** Reports that it is stopping; current work goes on until `shutdown`. */
  announceStop(): void {
    if (this.#phase.kind !== 'stopping') this.#phase = { kind: 'stopping', sinceMs: this.#clock.now() };
  }

  /** Finishes current work within this time, then ends every process; safe to call again. */
  shutdown(drainMs: number = DRAIN_MS): Promise<void> {
    this.announceStop();
    this.#ended ??= this.#end(drainMs);
    return this.#ended;
  }

  async #end(drainMs: number): Promise<void> {
    await Promise.all(this.#lines.map((line) => line.close(drainMs)));
    await this.#embedded?.close();
    this.#stopListening?.();
  }

  #refuseWhenStopping(): void {
    if (this.#phase.kind !== 'stopping') return;
    throw new TalebackError('job_cancelled', 'The speech service is stopping.');
  }

  async #start(): Promise<void> {
    if (this.#embedded !== undefined) {
      await this.#embedded.open();
      if (this.#ended !== undefined) await this.#embedded.close();
      this.#refuseWhenStopping();
    }
    try {
      await Promise.any(this.#lines.map((line) => line.start()));
    } catch {
      // Another start may follow.
      const fault = this.#lines[0].startFault;
      for (const line of this.#lines) line.forgetStart();
      this.#started = undefined;
      throw fault ?? new TalebackError('model_loading_failed', 'No engine came up.');
    }
    if (this.#phase.kind === 'starting') this.#phase = { kind: 'running' };
  }

  #startFaults(): readonly string[] {
    return this.#lines.flatMap(({ profile, startFault }) =>
      startFault === undefined ? [] : [`${profile.name} did not start: ${startFault.message}`],
    );
  }

  /** @throws TalebackError of the protection, when nothing new may begin */
  #admit(): void {
    const admission = this.#parts.protection?.admit();
    if (admission === undefined || admission.admitted) return;
    this.record({ kind: 'refused', code: admission.error.code });
    throw admission.error;
  }
}

const summarize = (overview: ProtectionOverview | undefined): ProtectionSummary => {
  if (overview?.killSwitch.disabled === true) return { active: true, reason: 'switched off by an operator' };
  const mode = overview?.mode;
  return mode?.active === true ? { active: true, reason: describeReason(mode.reason) } : { active: false };
};

/** The manager as an application uses it. @see docs/origins.md#service */
export type TtsService = Pick<TtsManager, 'initialize' | 'synthesize' | 'getStatus' | 'shutdown'>;
