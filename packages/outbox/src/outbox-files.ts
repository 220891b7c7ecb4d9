/** The outbox's folder. */
export interface OutboxFiles {
  /** Makes the folder. @throws what the file system says */
  prepare(): Promise<void>;
  /** Removes what was begun and never finished. A writer in another process whose draft goes begins anew. */
  sweep(): Promise<void>;
  /** Names of the files, drafts and hidden ones left out. @throws what the file system says */
  list(): Promise<readonly string[]>;
  /** Writes a file whole and lasting: when it resolves, the file survives a loss of power. @throws what the file system says */
  write(file: string, bytes: Uint8Array): Promise<void>;
  /**
   * Undefined when it is gone.
   * @throws RangeError when the file is larger than `maxBytes`, else what the file system says
   */
  read(file: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** One that is gone already is no fault. @throws what the file system says */
  remove(file: string): Promise<void>;
  /** Moves the file to `set-aside/`, with the reason beside it. One that is gone is no fault. @throws what the file system says */
  setAside(file: string, reason: string): Promise<void>;
}
