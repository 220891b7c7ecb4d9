import { setMaxListeners } from 'node:events';
import { TalebackError, toTalebackError } from '@taleback/core';
import type { AudioEncoder, AudioStream } from '../audio/audio-encoder.ts';
import { createLeveller } from '../audio/leveller.ts';
import { appendPause, durationMsOf, type Pcm, trimSilence, verifySound } from '../audio/pcm.ts';
import { spokenLength } from '../text/split-text.ts';
import { cancellationOf, throwIfCancelled } from '../cancellation.ts';
import type { SpeechEngine } from '../engines/engine.ts';
import type { NarrationOptions, NarrationPlan, NarrationRequest } from './plan-narration.ts';

/**
 * Pieces in progress or waiting, for each that the engine speaks at once: enough to keep it busy while one slow piece holds
 * up the order, enough for a pool to see that it should grow, and a bound on memory (a piece is about 0.5 MB).
 */
const AHEAD_PER_WORKER = 3;

/** Speaks the pieces of a plan side by side. @returns their sound in order, without silence around it */
export const speakPieces = (
  engine: SpeechEngine,
  { voice, speed, pieces }: NarrationPlan,
  { language, profile, style }: NarrationRequest,
  { signal, priority, tenant, owner }: NarrationOptions,
): AsyncIterable<Pcm> =>
  orderedAhead(
    pieces,
    async ({ text }, stop) => {
      const chunk = { text, voiceId: voice.id, speed, language, profile, style };
      const sound = await engine.synthesizeChunk(chunk, { signal: stop, priority, tenant, owner });
      const pcm = trimSilence(sound);
      verifySound(pcm, { text, speed });
      return pcm;
    },
    { ahead: engine.concurrency * AHEAD_PER_WORKER + 1, signal },
  );

/** Joins the pieces with their pauses, at one loudness, into one encoded file. */
export const encodePieces = async (
  spoken: AsyncIterable<Pcm>,
  { pieces, pauseScale }: NarrationPlan,
  encoder: AudioEncoder,
  { onProgress, onFirstAudio, onEncoded, signal }: NarrationOptions,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; durationMs: number; sampleRateHz: number }> => {
  encoder.prepare?.();
  const letters = pieces.map(({ text }) => spokenLength(text));
  const allLetters = letters.reduce((sum, count) => sum + count, 0);
  const leveller = createLeveller();
  let doneLetters = 0;
  let sampleCount = 0;
  let writtenBytes = 0;
  let index = 0;
  const publish = (bytes: Uint8Array): void => {
    if (bytes.length > 0) onEncoded?.(bytes, writtenBytes);
    writtenBytes += bytes.length;
  };
  let open: { readonly stream: AudioStream; readonly sampleRateHz: number } | undefined;
  try {
    for await (const pcm of spoken) {
      if (open === undefined) {
        onFirstAudio?.();
        open = { stream: await encoder.open(pcm.sampleRateHz), sampleRateHz: pcm.sampleRateHz };
      }
      verifyRate(pcm, open.sampleRateHz);
      const isLast = index === pieces.length - 1;
      const ending = pieces[index]?.ending ?? 'word';
      const { samples } = appendPause(leveller.level(pcm), ending, isLast ? 0 : pauseScale);
      sampleCount += samples.length;
      publish(await open.stream.write(samples));
      doneLetters += letters[index] ?? 0;
      index += 1;
      if (!isLast) onProgress?.(doneLetters / allLetters);
    }
    if (open === undefined) throw new TalebackError('audio_missing', 'Nothing was spoken.');
    const { stream, sampleRateHz } = open;
    const bytes = await stream.finish();
    throwIfCancelled(signal);
    publish(bytes.subarray(writtenBytes));
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

/** Why the work stops when the loop is left. Made once, because an abort without a reason makes an exception each time. */
const OVER = new TalebackError('job_cancelled', 'The result is no longer needed.');

/**
 * Works on several items at once and yields the results in the order of the items. The first failure aborts the others and
 * is thrown; leaving the loop early aborts them quietly.
 *
 * @param options `ahead`: how many results may be in progress or waiting to be taken, at least 1; it bounds the memory
 */
export async function* orderedAhead<Item, Result>(
  items: readonly Item[],
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
  { ahead, signal }: { readonly ahead: number; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<Result, void, undefined> {
  const stop = new AbortController();
  // Every piece listens to it: more than ten listeners are no leak.
  setMaxListeners(0, stop.signal);
  const onAbort = (): void => stop.abort(signal && cancellationOf(signal));
  throwIfCancelled(signal);
  signal?.addEventListener('abort', onAbort, { once: true });

  const underway: Promise<Result>[] = [];
  let next = 0;
  const fill = (): void => {
    while (underway.length < ahead && next < items.length && !stop.signal.aborted) {
      const result = work(items[next] as Item, stop.signal);
      next += 1;
      // The first failure wins: those it aborts find the signal aborted already.
      result.catch((error: unknown) => stop.abort(toTalebackError(error)));
      underway.push(result);
    }
  };

  try {
    for (fill(); underway.length > 0; fill()) {
      yield await untilStopped(underway[0] as Promise<Result>, stop.signal);
      void underway.shift();
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    stop.abort(OVER);
  }
}

/** The result, or the reason of the stop as soon as there is one. `Promise.race` would keep every result in memory. */
const untilStopped = <Result>(result: Promise<Result>, signal: AbortSignal): Promise<Result> =>
  new Promise((resolve, reject) => {
    const onStop = (): void => reject(cancellationOf(signal));
    if (signal.aborted) {
      onStop();
      return;
    }
    signal.addEventListener('abort', onStop, { once: true });
    void result
      .then(resolve, (error: unknown) => reject(toTalebackError(error)))
      .finally(() => signal.removeEventListener('abort', onStop));
  });
