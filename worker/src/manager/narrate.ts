import { TalebackError } from '@taleback/core';
import {
  appendPause,
  durationMsOf,
  type Mp3Encoder,
  type Mp3Stream,
  type Pcm,
  spokenLength,
  trimSilence,
  verifySound,
} from '../audio/index.ts';
import { type SpeechEngine, throwIfCancelled } from '../engines/index.ts';
import { orderedAhead } from './ordered-ahead.ts';
import { type NarrationPlan, type NarrationRequest, planNarration } from './plan-narration.ts';

export interface NarrationOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told the finished part, 0 to 1, never going back; 1 comes once, last, when the whole is done. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
  /** Told once, when the first piece has sound. */
  readonly onFirstAudio?: (() => void) | undefined;
}

export interface Narration {
  readonly mp3: Uint8Array<ArrayBuffer>;
  readonly durationMs: number;
  readonly sampleRateHz: number;
  readonly chunkCount: number;
  readonly voiceId: string;
  readonly engine: string;
}

/** Reads a text aloud into one MP3. Every fault is a TalebackError. */
export type Narrate = (request: NarrationRequest, options?: NarrationOptions) => Promise<Narration>;

export interface NarrationParts {
  readonly engine: SpeechEngine;
  readonly encoder: Mp3Encoder;
}

/**
 * Pieces spoken or waiting for their turn, for each that the engine speaks at once: enough to keep it busy while one
 * slow piece holds up the order, and a bound on memory (a piece is about 0.5 MB).
 */
const AHEAD_PER_THREAD = 2;

/** Narration with this engine and encoder. Pieces are spoken side by side, then joined and encoded in order. */
export const createNarrate =
  ({ engine, encoder }: NarrationParts): Narrate =>
  async (request, options = {}) => {
    throwIfCancelled(options.signal);
    const plan = planNarration(engine, request);
    const { voice, speed, pieces } = plan;
    const spoken = orderedAhead(
      pieces,
      async ({ text }, signal) => {
        const pcm = trimSilence(await engine.synthesizeChunk({ text, voiceId: voice.id, speed }, { signal }));
        verifySound(pcm, { text, speed });
        return pcm;
      },
      { ahead: engine.concurrency * AHEAD_PER_THREAD + 1, signal: options.signal },
    );
    const joined = await joinInOrder(spoken, plan, encoder, options);
    options.onProgress?.(1);
    return { ...joined, chunkCount: pieces.length, voiceId: voice.id, engine: engine.name };
  };

const joinInOrder = async (
  spoken: AsyncIterable<Pcm>,
  { pieces, pauseScale }: NarrationPlan,
  encoder: Mp3Encoder,
  { onProgress, onFirstAudio, signal }: NarrationOptions,
): Promise<Pick<Narration, 'mp3' | 'durationMs' | 'sampleRateHz'>> => {
  const letters = pieces.map(({ text }) => spokenLength(text));
  const allLetters = letters.reduce((sum, count) => sum + count, 0);
  let doneLetters = 0;
  let sampleCount = 0;
  let index = 0;
  let open: { readonly stream: Mp3Stream; readonly sampleRateHz: number } | undefined;
  try {
    for await (const pcm of spoken) {
      if (open === undefined) {
        onFirstAudio?.();
        open = { stream: await encoder.open(pcm.sampleRateHz), sampleRateHz: pcm.sampleRateHz };
      }
      verifyRate(pcm, open.sampleRateHz);
      const isLast = index === pieces.length - 1;
      const { samples } = appendPause(pcm, pieces[index]?.ending ?? 'word', isLast ? 0 : pauseScale);
      sampleCount += samples.length;
      await open.stream.write(samples);
      doneLetters += letters[index] ?? 0;
      index += 1;
      if (!isLast) onProgress?.(doneLetters / allLetters);
    }
    if (open === undefined) throw new TalebackError('audio_missing', 'Nothing was spoken.');
    const { stream, sampleRateHz } = open;
    const mp3 = await stream.finish();
    throwIfCancelled(signal);
    return { mp3, sampleRateHz, durationMs: durationMsOf(sampleCount, sampleRateHz) };
  } catch (error) {
    open?.stream.abandon();
    throw error;
  }
};

const verifyRate = ({ sampleRateHz }: Pcm, expectedHz: number): void => {
  if (sampleRateHz === expectedHz) return;
  throw new TalebackError('model_failed', 'The engine changed its sample rate in the middle of the text.', {
    details: `${expectedHz} Hz, then ${sampleRateHz} Hz`,
  });
};
