import { TalebackError, toTalebackError } from '@taleback/core';
import type { SpeechEngine } from '../engines/engine.ts';
import type { TtsManagerConfig } from '../pool/pool-config.ts';
import {
  type PoolSnapshot,
  type EnginePlugin,
  isRemote,
  type LineOptions,
  type SpeechLine,
} from '../pool/speech-line.ts';
import { RemoteLine } from '../pool/remote-line.ts';
import { WorkerPool } from '../pool/worker-pool.ts';
import { describeEngine, type EngineStatus, requireFit } from '../status/service-status.ts';
import type { NarratingEngine } from './narrate.ts';
import { verifyChunk } from './plan-narration.ts';

export interface EngineLineOptions extends Omit<LineOptions, 'config'> {
  /** The configuration may be replaced before the start. */
  readonly config: () => TtsManagerConfig;
}

/** Until an engine that did not start is started again, ms. */
const RESTART_MS = 30_000;

/** One engine of the manager, with the line that speaks its chunks while it is started. */
export class EngineLine implements NarratingEngine {
  /** The engine as everyone uses it: its chunks are spoken by the line. */
  readonly profile: SpeechEngine;
  /** Why it did not start. */
  startFault: TalebackError | undefined;
  readonly #plugin: EnginePlugin;
  readonly #options: EngineLineOptions;
  #line: SpeechLine | undefined;
  #isClosing = false;
  #stopTimer: () => void = () => {};

  constructor(plugin: EnginePlugin, options: EngineLineOptions) {
    this.#plugin = plugin;
    this.#options = options;
    const { name, prepareText, voices, clonesVoices } = plugin;
    this.profile = {
      name,
      // A service may report more languages when it is probed.
      get languages() {
        return plugin.languages;
      },
      voices,
      prepareText,
      clonesVoices,
      get concurrency() {
        return isRemote(plugin) ? plugin.concurrency : options.config().workerPool.maxWorkers;
      },
      // Not async, which saves a microtask for every chunk.
      synthesizeChunk: (chunk, speakOptions) => {
        try {
          verifyChunk(plugin, chunk);
          if (this.#line !== undefined) return this.#line.speak(chunk, speakOptions);
          throw new TalebackError('model_unavailable', 'The speech service has not been started.');
        } catch (error) {
          return Promise.reject(toTalebackError(error));
        }
      },
    };
  }

  /** Starts it, and again every 30 s while it does not come up. @returns whether it came up */
  async start(): Promise<boolean> {
    const { log, clock, config } = this.#options;
    const { name } = this.#plugin;
    const plugin = this.#plugin;
    const options = { ...this.#options, config: config() };
    const line = isRemote(plugin) ? new RemoteLine(plugin, options) : new WorkerPool(plugin, options);
    this.#line = line;
    try {
      await line.start();
      this.startFault = undefined;
      return true;
    } catch (thrown) {
      const error = toTalebackError(thrown);
      // Nothing of a failed start remains.
      await line.close();
      this.#line = undefined;
      this.startFault = error;
      if (this.#isClosing) return false;
      log('error', 'an engine did not start', { engine: name, code: error.code, details: error.details });
      this.#stopTimer = clock.setTimer(() => void this.start(), RESTART_MS);
      return false;
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

  resetBreakers(): void {
    this.#line?.resetBreakers();
  }

  mayHaveMoreVoices(): boolean {
    return this.pool()?.workers.some(({ fault }) => fault !== undefined) ?? false;
  }

  requireFit(): void {
    requireFit(this.status());
  }
}
