/** One narration to keep. */
export interface AudioObject {
  /** Path in the store, made by `audioKey`. */
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Such as `audio/mpeg`. */
  readonly contentType: string;
  /** Kept beside the audio as `<key>.json`. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface StoredAudio {
  readonly key: string;
  /** Where the audio can be played. */
  readonly url: string;
  readonly sizeBytes: number;
}

/** Where narrations are kept. */
export interface AudioStore {
  /**
   * Keeps the audio; a reader sees all of it or nothing. The same key is replaced, so a repeated job does no harm.
   * @throws TalebackError `disk_full`, `storage_upload_failed` or `storage_unavailable`
   */
  put(audio: AudioObject): Promise<StoredAudio>;
}
