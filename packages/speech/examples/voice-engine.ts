import {
  type EnginePlugin,
  type SynthesisResult,
  TtsManager,
  type TtsManagerOverrides,
  type TtsManagerParts,
} from '../src/index.ts';

/** @see docs/origins.md#pool */
const config: TtsManagerOverrides = {
  workerPool: {
    minWorkers: 1,
    maxWorkers: 3,
    scaleUpThreshold: 5,
    scaleDownThreshold: 30_000,
    modelSpecialization: true,
  },
  circuitBreaker: { failureThreshold: 0.5, timeoutMs: 10_000, resetTimeoutMs: 60_000 },
};

/**
 * A voice for an application, on any engine: `openFlitePlugin` and `openPythonPlugin` make one.
 *
 * @see docs/origins.md#service
 */
export class VoiceEngine {
  readonly #parts: TtsManagerParts;
  #ttsManager: TtsManager | undefined;

  constructor(plugin: EnginePlugin, parts: Omit<TtsManagerParts, 'engines'>) {
    this.#parts = { ...parts, engines: [plugin] };
  }

  async initialize(): Promise<void> {
    this.#ttsManager = new TtsManager(config, this.#parts);
    await this.#ttsManager.initialize();
  }

  /** @throws TalebackError whatever goes wrong; Error before `initialize`. */
  async speak(text: string): Promise<SynthesisResult> {
    if (this.#ttsManager === undefined) throw new Error('The voice engine has not been initialized.');
    return this.#ttsManager.synthesize({ text, priority: 'normal' });
  }

  async shutdown(): Promise<void> {
    await this.#ttsManager?.shutdown();
  }
}
