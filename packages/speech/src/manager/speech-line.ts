import type { Pcm } from '../audio/index.ts';
import type { SpeechChunk, SynthesisOptions } from '../engines/index.ts';
import type { PoolSnapshot } from '../status/index.ts';

/**
 * Where the chunks of one engine wait and are spoken: a pool of processes here, or a service elsewhere. Every chunk ends
 * once, with sound or with a TalebackError.
 */
export interface SpeechLine {
  /** @throws TalebackError when nothing that it tries can make it able to speak. */
  start(): Promise<void>;
  speak(chunk: SpeechChunk, options?: SynthesisOptions): Promise<Pcm>;
  snapshot(): PoolSnapshot;
  /** Closes every circuit breaker by hand. */
  resetBreakers(): void;
  /** Takes no more, gives what it has this time to end, then ends it. Safe to call again. */
  close(drainMs?: number): Promise<void>;
}
