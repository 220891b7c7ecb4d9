import type { TtsManagerOverrides } from '../pool/pool-config.ts';
import type { SynthesisResult } from './synthesis-request.ts';
import { TtsManager, type TtsManagerParts } from './tts-manager.ts';

/**
 * A voice for an application: its manager is made by `initialize`.
 *
 * @see docs/origins.md#service
 * @example
 * const voiceEngine = new VoiceEngine({ workerPool: { maxWorkers: 3 } });
 * await voiceEngine.initialize();
 * const { durationMs } = await voiceEngine.speak('Hello there.');
 * console.log(durationMs > 500); // true
 * await voiceEngine.shutdown();
 */
export class VoiceEngine {
  readonly #config: TtsManagerOverrides;
  readonly #parts: TtsManagerParts;
  #ttsManager: TtsManager | undefined;

  /** Default: the numbers of `TtsManagerConfig`, and the embedded engine. */
  constructor(config: TtsManagerOverrides = {}, parts: TtsManagerParts = {}) {
    this.#config = config;
    this.#parts = parts;
  }

  /** @throws TalebackError when the engine does not come up; Error that names every invalid field of the configuration */
  async initialize(): Promise<void> {
    this.#ttsManager ??= new TtsManager(this.#config, this.#parts);
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
