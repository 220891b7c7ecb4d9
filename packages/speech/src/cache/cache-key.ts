import { createHash } from 'node:crypto';
import type { SpeechChunk, VoiceProfile, VoiceStyle } from '../engines/engine.ts';
import type { NarrationRequest } from '../chain/plan-narration.ts';

export type CacheKind = 'chunk' | 'narration';

/** What a sound is found by. The words cannot be read from it. */
export interface CacheKey {
  readonly kind: CacheKind;
  /** 64 lower-case hex digits. */
  readonly name: string;
}

/** What made a chunk: another version may make another sound of the same words. */
export interface ChunkIdentity {
  readonly engine: string;
  /** Of the engine and its model, such as `0.1.1`. */
  readonly engineVersion: string;
}

/** What makes a narration besides its request: all that a listener could hear. */
export interface NarrationIdentity {
  /** Every engine that may speak, in their order, with versions. */
  readonly engines: string;
  /** Format and settings, such as `mp3 48 kbit/s`. */
  readonly encoder: string;
}

/** Rises when the meaning of a key changes, or what is done to the sound between the engine and the cache. */
const KEY_VERSION = 1;

/** Unset is the voice's own: the same as 1. */
const rateOf = (rate: number | undefined): number => rate ?? 1;

type FieldsOf<T> = Readonly<Record<keyof T, readonly CanonicalField[]>>;

const styleFields = (style: VoiceStyle | undefined): readonly CanonicalField[] => {
  // A record, so that a new field of the style cannot be forgotten here.
  const { exaggeration, cfgWeight, temperature } = {
    exaggeration: [style?.exaggeration],
    cfgWeight: [style?.cfgWeight],
    temperature: [style?.temperature],
  } satisfies FieldsOf<VoiceStyle>;
  return [...exaggeration, ...cfgWeight, ...temperature];
};

const profileFields = (profile: VoiceProfile | undefined): readonly CanonicalField[] => [profile?.hash];

const keyOf = (kind: CacheKind, fields: readonly (readonly CanonicalField[])[]): CacheKey => ({
  kind,
  name: canonicalDigest([KEY_VERSION, kind, ...fields.flat()]),
});

/** The key of a chunk's PCM. */
export const chunkKey = (chunk: SpeechChunk, identity: ChunkIdentity): CacheKey => {
  const fields = {
    text: [chunk.text],
    voiceId: [chunk.voiceId],
    speed: [rateOf(chunk.speed)],
    language: [chunk.language],
    profile: profileFields(chunk.profile),
    style: styleFields(chunk.style),
  } satisfies FieldsOf<SpeechChunk>;
  return keyOf('chunk', [[identity.engine, identity.engineVersion], ...Object.values(fields)]);
};

/** The key of a whole narration's file. */
export const narrationKey = (request: NarrationRequest, identity: NarrationIdentity): CacheKey => {
  const fields = {
    text: [request.text],
    voiceId: [request.voiceId],
    language: [request.language],
    speed: [rateOf(request.speed)],
    pauseScale: [rateOf(request.pauseScale)],
    profile: profileFields(request.profile),
    allowsOtherVoice: [request.allowsOtherVoice === true],
    style: styleFields(request.style),
  } satisfies FieldsOf<NarrationRequest>;
  return keyOf('narration', [[identity.engines, identity.encoder], ...Object.values(fields)]);
};

export type CanonicalField = string | number | boolean | undefined;

const TAGS = { undefined: 0, string: 1, number: 2, boolean: 3 } as const;

const bytesOf = (field: CanonicalField): Buffer => {
  switch (typeof field) {
    case 'string':
      // UTF-16 keeps half a surrogate pair apart from the replacement character, which UTF-8 would not.
      return Buffer.from(field, 'utf16le');
    case 'number': {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(field);
      return bytes;
    }
    case 'boolean':
      return Buffer.of(field ? 1 : 0);
    default:
      return Buffer.alloc(0);
  }
};

/**
 * SHA-256 of the fields in their order, 64 lower-case hex digits. Each goes in with its kind and its length, so no two
 * different lists are the same bytes.
 */
export const canonicalDigest = (fields: readonly CanonicalField[]): string => {
  const hash = createHash('sha256');
  for (const field of fields) {
    const bytes = bytesOf(field);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt8(TAGS[typeof field as keyof typeof TAGS]);
    prefix.writeUInt32LE(bytes.length, 1);
    hash.update(prefix).update(bytes);
  }
  return hash.digest('hex');
};

/** A sound and what has to be known about it. Facts are never words that a person wrote. */
export interface KeptSound {
  readonly facts: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface CacheLimits {
  /** Of all sounds together. */
  readonly maxBytes: number;
  /** Since it was written: how long a sound stays on the disk, however often it is used. */
  readonly maxAgeMs: number;
  /** Default 100,000. */
  readonly maxEntries?: number | undefined;
}
