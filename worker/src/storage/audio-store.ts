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
   * Keeps the audio; a reader sees all of it or nothing, and whoever sees it finds its metadata. The same key is replaced, so a
   * repeated job does no harm.
   *
   * @throws TalebackError `disk_full`, `storage_upload_failed`, `storage_unavailable`, `credentials_invalid` or
   *   `permission_denied`; `job_cancelled` when the signal aborts
   */
  put(audio: AudioObject, signal?: AbortSignal): Promise<StoredAudio>;
}

/** A store that can also be asked. Every method rejects as `put` does. */
export interface AudioLibrary extends AudioStore {
  /** The bytes under a key, a narration's or any others, such as a voice's recording; undefined when there are none. */
  read(key: string, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** What is known of an audio without fetching it; undefined when it is not there. */
  find(key: string, signal?: AbortSignal): Promise<StoredAudio | undefined>;
  /** Where an audio can be played; it need not be there. May hold a signature that runs out. */
  urlOf(key: string): Promise<string>;
  /** Makes the address of a small object, writes it, reads it back and removes it. */
  check(signal?: AbortSignal): Promise<StoreCheck>;
}

export interface StoreCheck {
  /** What was written to, in words. */
  readonly place: string;
}
