/** What a look at a recording tells without decoding more than has to be. */
export interface Recording {
  readonly format: 'wav' | 'mp3' | 'flac' | 'ogg';
  readonly sampleRateHz: number;
  readonly channels: number;
  /** Undefined when the file does not say. */
  readonly durationMs: number | undefined;
  /** Root mean square, 1 being full scale; undefined where no samples are at hand. */
  readonly rms?: number | undefined;
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The bytes as Latin-1; fewer at the end. */
export const tagAt = (bytes: Uint8Array, offset: number, length = 4): string =>
  String.fromCharCode(...bytes.subarray(offset, offset + length));
