/** Says which of the processes at one outbox sends from it. It is free as soon as its holder is gone, however it went. */
export interface SenderLock {
  /**
   * Waits until this process is the one that sends. Never rejects.
   *
   * @param onNudge called when another process has put something into the folder
   * @returns false when it was closed instead
   */
  acquire(onNudge: () => void): Promise<boolean>;
  /** Tells the process that sends to look into the folder. */
  nudge(): void;
  /** Gives the lock up, or the waiting for it. */
  close(): Promise<void>;
}
