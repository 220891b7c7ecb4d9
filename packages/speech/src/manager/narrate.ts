import { TalebackError } from '@taleback/core';
import {
  type AudioEncoder,
  type AudioStream,
  appendPause,
  createLeveller,
  durationMsOf,
  type Pcm,
  spokenLength,
  trimSilence,
  verifySound,
} from '../audio/index.ts';
import { type SpeechEngine, type SynthesisOptions, throwIfCancelled } from '../engines/index.ts';
import { orderedAhead } from './ordered-ahead.ts';
import { type NarrationPlan, type NarrationRequest, planNarration } from './plan-narration.ts';

export interface NarrationOptions extends SynthesisOptions {
  /** Told the finished part, 0 to 1, never going back; 1 comes once, last, when the whole is done. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
  /** Told once, when the first piece has sound. */
  readonly onFirstAudio?: (() => void) | undefined;
  /**
   * Given the file as it grows, for formats that can be played before they are whole (MP3; a WAV file comes at its
   * end). `offset` is where the bytes belong; 0 again means that the narration began anew, with another voice.
   */
  readonly onEncoded?: ((bytes: Uint8Array, offset: number) => void) | undefined;
}

export interface Narration {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly durationMs: number;
  readonly sampleRateHz: number;
  readonly chunkCount: number;
  readonly voiceId: string;
  readonly engine: string;
  /** What was tried before, and failed. */
  readonly failedBefore?: readonly FailedTry[] | undefined;
}

/** A voice of an engine that could not speak a text. */
export interface FailedTry {
  readonly engine: string;
  /** Undefined when the engine chose. */
  readonly voiceId: string | undefined;
  readonly error: TalebackError;
}

/** Reads a text aloud into one sound file. Every fault is a TalebackError. */
export type Narrate = (request: NarrationRequest, options?: NarrationOptions) => Promise<Narration>;

export interface NarrationParts {
  readonly engine: SpeechEngine;
  readonly encoder: AudioEncoder;
}

/**
 * Pieces spoken or waiting for their turn, for each that the engine speaks at once: enough to keep it busy while one
 * slow piece holds up the order, enough waiting for a pool to see that it should grow, and a bound on memory (a piece
 * is about 0.5 MB).
 */
const AHEAD_PER_WORKER = 3;

/** Narration with this engine and encoder. Pieces are spoken side by side, then joined and encoded in order. */
export const createNarrate =
  ({ engine, encoder }: NarrationParts): Narrate =>
  async (request, options = {}) => {
    throwIfCancelled(options.signal);
    const plan = planNarration(engine, request);
    const { voice, speed, pieces } = plan;
    const { language, profile, style } = request;
    const { priority, tenant } = options;
    const spoken = orderedAhead(
      pieces,
      async ({ text }, signal) => {
        const pcm = trimSilence(
          await engine.synthesizeChunk(
            { text, voiceId: voice.id, speed, language, profile, style },
            { signal, priority, tenant },
          ),
        );
        verifySound(pcm, { text, speed });
        return pcm;
      },
      { ahead: engine.concurrency * AHEAD_PER_WORKER + 1, signal: options.signal },
    );
    const joined = await joinInOrder(spoken, plan, encoder, options);
    options.onProgress?.(1);
    return { ...joined, chunkCount: pieces.length, voiceId: voice.id, engine: engine.name };
  };

const joinInOrder = async (
  spoken: AsyncIterable<Pcm>,
  { pieces, pauseScale }: NarrationPlan,
  encoder: AudioEncoder,
  { onProgress, onFirstAudio, onEncoded, signal }: NarrationOptions,
): Promise<Pick<Narration, 'bytes' | 'durationMs' | 'sampleRateHz'>> => {
  const letters = pieces.map(({ text }) => spokenLength(text));
  const allLetters = letters.reduce((sum, count) => sum + count, 0);
  let doneLetters = 0;
  let sampleCount = 0;
  let givenBytes = 0;
  const give = (bytes: Uint8Array): void => {
    if (bytes.length > 0) onEncoded?.(bytes, givenBytes);
    givenBytes += bytes.length;
  };
  let index = 0;
  const leveller = createLeveller();
  let open: { readonly stream: AudioStream; readonly sampleRateHz: number } | undefined;
  try {
    for await (const pcm of spoken) {
      if (open === undefined) {
        onFirstAudio?.();
        open = { stream: await encoder.open(pcm.sampleRateHz), sampleRateHz: pcm.sampleRateHz };
      }
      verifyRate(pcm, open.sampleRateHz);
      const isLast = index === pieces.length - 1;
      const { samples } = appendPause(
        leveller.level(pcm),
        pieces[index]?.ending ?? 'word',
        isLast ? 0 : pauseScale,
      );
      sampleCount += samples.length;
      give(await open.stream.write(samples));
      doneLetters += letters[index] ?? 0;
      index += 1;
      if (!isLast) onProgress?.(doneLetters / allLetters);
    }
    if (open === undefined) throw new TalebackError('audio_missing', 'Nothing was spoken.');
    const { stream, sampleRateHz } = open;
    const bytes = await stream.finish();
    throwIfCancelled(signal);
    give(bytes.subarray(givenBytes));
    return { bytes, sampleRateHz, durationMs: durationMsOf(sampleCount, sampleRateHz) };
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
