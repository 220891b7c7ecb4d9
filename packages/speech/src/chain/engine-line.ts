import { TalebackError, toTalebackError } from '@taleback/core';
import { type Clock, createRateLimiter, type RateLimiter, wait } from '@taleback/resilience';
import { throwIfCancelled } from '../cancellation.ts';
import { type SpeechEngine, verifyChunk } from '../engines/engine.ts';
import { configOfEngine, type TtsManagerConfig } from '../pool/pool-config.ts';
import { RemoteLine } from '../pool/remote-line.ts';
import {
  type EnginePlugin,
  isRemote,
  type LineOptions,
  type PoolSnapshot,
  type SpeechLine,
} from '../pool/speech-line.ts';
import { WorkerPool } from '../pool/worker-pool.ts';
import { describeEngine, type EngineStatus, requireFit } from '../status/service-status.ts';
import type { NarratingEngine } from './narrate.ts';

/** Until an engine that did not start is started again, ms. */
const RESTART_MS = 30_000;

/** An engine in processes may have numbers of its own. */
const configOf = (plugin: EnginePlugin, config: TtsManagerConfig): TtsManagerConfig =>
  isRemote(plugin) || plugin.numbers === undefined ? config : configOfEngine(config, plugin.numbers);

/** A story of many chunks waits for the next minute; it does not fail. */
const waitForTurn = async (
  limit: RateLimiter,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<void> => {
  for (;;) {
    const turn = limit.tryTake();
    if (turn.taken) return;
    await wait(clock, turn.retryAfterMs, signal);
    throwIfCancelled(signal);
  }
};

/** One engine of the manager, with the line that speaks its chunks while it is started. */
export class EngineLine implements NarratingEngine {
  /** The engine as everyone uses it: its chunks are spoken by the line. */
  readonly profile: SpeechEngine;
  startFault: TalebackError | undefined;
  readonly #plugin: EnginePlugin;
  readonly #options: Omit<LineOptions, 'config'>;
  #config: TtsManagerConfig;
  #line: SpeechLine | undefined;
  #isClosing = false;
  #stopTimer: () => void = () => {};

  constructor(plugin: EnginePlugin, { config, ...options }: LineOptions) {
    this.#plugin = plugin;
    this.#options = options;
    this.#config = configOf(plugin, config);
    const concurrency = (): number =>
      isRemote(plugin) ? plugin.concurrency : this.#config.workerPool.maxWorkers;
    const { name, prepareText, voices, clonesVoices, fullPieceLetters } = plugin;
    const speak: SpeechLine['speak'] = (chunk, speakOptions) => {
      if (this.#line !== undefined) return this.#line.speak(chunk, speakOptions);
      throw new TalebackError('model_unavailable', 'The speech service has not been started.');
    };
    const permits = isRemote(plugin) ? 0 : (plugin.numbers?.requestsPerMinute ?? 0);
    const limit =
      permits > 0
        ? createRateLimiter({ kind: 'sliding-window', permits, windowMs: 60_000 }, options.clock)
        : undefined;
    this.profile = {
      name,
      // A service may report more languages when it is probed.
      get languages() {
        return plugin.languages;
      },
      voices,
      prepareText,
      clonesVoices,
      fullPieceLetters,
      get concurrency() {
        return concurrency();
      },
      // Not async, which saves a microtask for every chunk.
      synthesizeChunk: (chunk, speakOptions) => {
        try {
          verifyChunk(plugin, chunk);
          if (limit === undefined) return speak(chunk, speakOptions);
          return waitForTurn(limit, options.clock, speakOptions?.signal).then(() =>
            speak(chunk, speakOptions),
          );
        } catch (error) {
          return Promise.reject(toTalebackError(error));
        }
      },
    };
  }

  /** Before the start. */
  set config(config: TtsManagerConfig) {
    this.#config = configOf(this.#plugin, config);
  }

  /** Starts it, and again every 30 s while it does not come up. @throws TalebackError why it did not come up now */
  async start(): Promise<void> {
    const plugin = this.#plugin;
    const { log, clock } = this.#options;
    const options = { ...this.#options, config: this.#config };
    const line = isRemote(plugin) ? new RemoteLine(plugin, options) : new WorkerPool(plugin, options);
    this.#line = line;
    try {
      await line.start();
      this.startFault = undefined;
    } catch (thrown) {
      const error = toTalebackError(thrown);
      // Nothing of a failed start remains.
      await line.close();
      this.#line = undefined;
      this.startFault = error;
      if (!this.#isClosing) {
        const { code, details } = error;
        log('error', 'an engine did not start', { engine: plugin.name, code, details });
        this.#stopTimer = clock.setTimer(() => void this.start().catch(() => {}), RESTART_MS);
      }
      throw error;
    }
  }

  /** Forgets a failed start: it is not started again. */
  forgetStart(): void {
    this.#stopTimer();
    this.startFault = undefined;
  }

  async close(drainMs: number): Promise<void> {
    this.#isClosing = true;
    this.#stopTimer();
    await this.#line?.close(drainMs);
  }

  /** Undefined while it is not started. */
  pool(): PoolSnapshot | undefined {
    return this.#line?.snapshot();
  }

  status(): EngineStatus {
    return describeEngine(this.profile, this.pool(), this.startFault);
  }

  async test(): Promise<void> {
    await this.#line?.test?.();
  }

  resetBreakers(): void {
    this.#line?.resetBreakers();
  }

  mayHaveMoreVoices(): boolean {
    return this.pool()?.workers.some(({ fault }) => fault !== undefined) ?? false;
  }

  requireFit(): void {
    try {
      requireFit(this.status(), this.#options.clock.now());
    } catch (thrown) {
      const { code, retryAfterMs } = toTalebackError(thrown);
      const { name: engine } = this.profile;
      if (code === 'circuit_open') this.#options.publish({ kind: 'breaker-rejected', engine, retryAfterMs });
      throw thrown;
    }
  }
}
