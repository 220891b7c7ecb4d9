import { type Log, TalebackError, toTalebackError } from '@taleback/core';
import type { AudioEncoder } from '../audio/audio-encoder.ts';
import { throwIfCancelled } from '../cancellation.ts';
import type { SpeechEngine } from '../engines/engine.ts';
import { type ChainMember, type Elsewhere, planChain, whereElse } from './plan-chain.ts';
import { type NarrationOptions, type NarrationRequest, planNarration } from './plan-narration.ts';
import { encodePieces, speakPieces } from './speak-text.ts';

export interface Narration {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly durationMs: number;
  readonly sampleRateHz: number;
  readonly chunkCount: number;
  readonly voiceId: string;
  readonly engine: string;
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

/** What remembers sound, see the room `cache`. */
export interface SpeechCaches {
  /** The engine, with chunks that were spoken before. */
  readonly engine?: ((engine: SpeechEngine) => SpeechEngine) | undefined;
  /** A narration, or the one that was made before of an equal request. */
  readonly narrate?: ((narrate: Narrate, engine: SpeechEngine) => Narrate) | undefined;
}

export interface NarratingEngine extends ChainMember {
  readonly profile: SpeechEngine;
  /** @throws TalebackError when it is known to be unable to speak */
  readonly requireFit: () => void;
}

export interface NarratorOptions {
  /** In the order of preference. */
  readonly engines: readonly NarratingEngine[];
  /** Voices of one engine that are tried, at least 1. */
  readonly mostVoices: number;
  readonly encoder: AudioEncoder;
  readonly caches?: SpeechCaches | undefined;
  /** @throws TalebackError of the protection, when nothing new may begin */
  readonly admit: () => void;
  readonly log: Log;
}

/**
 * Narration that changes the voice, then the engine, when one fails, and ends in a clear failure when all did. The whole
 * text is spoken again, so that a story never has two voices; progress does not move until the new attempt is as far.
 *
 * @see docs/origins.md#diagnostics
 */
export const createNarrator = (options: NarratorOptions): Narrate => {
  const { mostVoices, encoder, caches = {}, admit, log } = options;
  const engines = options.engines.map((member) => {
    const engine = caches.engine?.(member.profile) ?? member.profile;
    const narrate: Narrate = async (request, watcher = {}) => {
      // 3. Without a kept narration the engine must be able to speak, and protection must allow it.
      member.requireFit();
      admit();
      throwIfCancelled(watcher.signal);
      // 4. The text is split into pieces, which are spoken side by side, out of the cache of chunks where it has them.
      const plan = planNarration(engine, request);
      const spoken = speakPieces(engine, plan, request, watcher);
      // 5. They are joined and encoded in order.
      const joined = await encodePieces(spoken, plan, encoder, watcher);
      watcher.onProgress?.(1);
      return { ...joined, chunkCount: plan.pieces.length, voiceId: plan.voice.id, engine: engine.name };
    };
    return {
      profile: member.profile,
      mayHaveMoreVoices: () => member.mayHaveMoreVoices(),
      narrate: caches.narrate?.(narrate, member.profile) ?? narrate,
    };
  });

  return async (request, watcher = {}) => {
    const onProgress = neverBack(watcher.onProgress);
    const failed: FailedTry[] = [];
    // 1. Engines and their voices, in order.
    for (const { engine, voices } of planChain(engines, request, mostVoices)) {
      const { name, clonesVoices } = engine.profile;
      const profile = clonesVoices === true ? request.profile : undefined;
      for (const voiceId of voices) {
        try {
          // 2. The narration by this voice, kept or new.
          const narration = await engine.narrate(
            { ...request, profile, voiceId },
            { ...watcher, onProgress },
          );
          return { ...narration, failedBefore: failed };
        } catch (thrown) {
          // 6. After a failure, the next voice, the next engine, or the end.
          const error = toTalebackError(thrown);
          const next = nextAfter(error, failed.length > 0);
          if (next === 'nowhere') throw error;
          failed.push({ engine: name, voiceId, error });
          log('warn', 'a voice failed at a narration', { engine: name, voiceId, code: error.code });
          if (next === 'next-engine') break;
        }
      }
    }
    // 7. All failed.
    throw allFailed(failed);
  };
};

/** What a substitute voice cannot do says nothing about the voice that was asked for. */
const nextAfter = ({ code, category }: TalebackError, isSubstitute: boolean): Elsewhere =>
  isSubstitute && (category === 'input' || category === 'voice') ? 'next-engine' : whereElse(code);

const neverBack = (publish: NarrationOptions['onProgress']): NarrationOptions['onProgress'] => {
  let furthest = 0;
  return (fraction) => {
    furthest = Math.max(furthest, fraction);
    // Repeated although it does not move: it is a sign of life.
    publish?.(furthest);
  };
};

/** The first failure, because it is about what was asked for; its details name the others. */
const allFailed = (failed: readonly FailedTry[]): TalebackError => {
  const [first, ...others] = failed;
  if (first === undefined) return new TalebackError('model_unavailable', 'There is no engine to speak with.');
  if (others.length === 0) return first.error;
  const { code, message, retryable, retryAfterMs } = first.error;
  const details = failed
    .map(
      ({ engine, voiceId, error }) =>
        `${engine} ${voiceId ?? ''}: ${error.code}, ${error.details ?? error.message}`,
    )
    .join('; ');
  return new TalebackError(code, message, {
    details,
    retryable: retryable || others.some(({ error }) => error.retryable),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause: first.error,
  });
};
