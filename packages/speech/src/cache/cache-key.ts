import { createHash } from 'node:crypto';
import type { NarrationRequest } from '../chain/plan-narration.ts';
import type { SpeechChunk, VoiceStyle } from '../engines/engine.ts';

export type CacheKind = 'chunk' | 'narration';

/** What a sound is found by. The words cannot be read from it. */
export interface CacheKey {
  readonly kind: CacheKind;
  /** 64 lower-case hex digits. */
  readonly name: string;
  /** Who asks for the sound, such as a story's id. Default: someone whose sounds are never removed for that. */
  readonly owner?: string | undefined;
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

/** A rest of this type is empty, so that a new field cannot be forgotten. */
type NoOther = Readonly<Record<string, never>>;

const styleFields = (style: VoiceStyle = {}): CanonicalField[] => {
  const { exaggeration, cfgWeight, temperature, ...others } = style;
  others satisfies NoOther;
  return [exaggeration, cfgWeight, temperature];
};

/** The key of a chunk's PCM. */
export const chunkKey = (chunk: SpeechChunk, { engine, engineVersion }: ChunkIdentity): CacheKey => {
  const { text, voiceId, speed = 1, language, profile, style, ...others } = chunk;
  others satisfies NoOther;
  const fields = [engine, engineVersion, text, voiceId, speed, language, profile?.hash];
  return { kind: 'chunk', name: canonicalDigest([KEY_VERSION, 'chunk', ...fields, ...styleFields(style)]) };
};

/** The key of a whole narration's file. */
export const narrationKey = (request: NarrationRequest, identity: NarrationIdentity): CacheKey => {
  const { text, voiceId, language, speed = 1, pauseScale = 1, profile, style, ...rest } = request;
  const { allowsOtherVoice = false, ...others } = rest;
  others satisfies NoOther;
  const { engines, encoder } = identity;
  const made = [KEY_VERSION, 'narration', engines, encoder];
  const asked = [text, voiceId, language, speed, pauseScale, profile?.hash, allowsOtherVoice];
  return { kind: 'narration', name: canonicalDigest([...made, ...asked, ...styleFields(style)]) };
};

export type CanonicalField = string | number | boolean | undefined;

const TAGS = { undefined: 0, string: 1, number: 2, boolean: 3 } as const;

const bytesOf = (field: CanonicalField): Buffer => {
  // UTF-16 keeps half a surrogate pair apart from the replacement character, which UTF-8 would not.
  if (typeof field === 'string') return Buffer.from(field, 'utf16le');
  if (typeof field !== 'number') return Buffer.from(field === undefined ? [] : [Number(field)]);
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(field);
  return bytes;
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
