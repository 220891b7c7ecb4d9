/** What is known of an entry without reading it. */
export interface EntryFacts {
  readonly sizeBytes: number;
  /** Unix milliseconds. */
  readonly writtenAtMs: number;
  /** Unix milliseconds. */
  readonly usedAtMs: number;
}

export interface FoundEntry extends EntryFacts {
  readonly name: string;
}

/**
 * Where entries lie, by name (64 lower-case hex digits). Other processes may add and remove entries at any time. Every
 * method may reject with what the medium says.
 */
export interface CacheFolder {
  /** Makes what is missing of the folder itself. */
  prepare(): Promise<void>;
  /**
   * Every entry, in batches of bounded size, in no order. Drafts that nobody has written to since `draftsBeforeMs` (unix
   * milliseconds) are removed on the way.
   */
  scan(draftsBeforeMs: number): AsyncIterable<readonly FoundEntry[]>;
  /** The whole entry, in memory that is the caller's. */
  read(name: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | 'missing' | 'oversized'>;
  /** Puts the entry there whole or not at all, written and used at that time. It replaces one of the same name. */
  write(name: string, parts: readonly Uint8Array[], atMs: number): Promise<void>;
  /** Notes a use, for all processes. An entry that is gone is no error. */
  touch(name: string, facts: Pick<EntryFacts, 'writtenAtMs' | 'usedAtMs'>): Promise<void>;
  /** An entry that is gone is no error. */
  remove(name: string): Promise<void>;
}
