/** The two ends of a child process, as the protocol needs them. */
export interface ChildTransport {
  readonly pid: number | undefined;
  /** Writes one line, its end included. Never throws: a child that is gone tells so by `onEnd`. */
  write(line: string): void;
  /** Closes its standard input. */
  closeInput(): void;
  /** Ends it at once. */
  kill(): void;
}

export interface ChildTransportEvents {
  readonly onChunk: (chunk: Buffer) => void;
  /** It is gone and everything it wrote was told. Once. */
  readonly onEnd: (cause: string) => void;
}

export type OpenTransport = (events: ChildTransportEvents) => ChildTransport;

/** Where children that cannot send raw bytes put their sound. */
export interface SoundFiles {
  /** A path that nobody used before. */
  newPath(): string;
  /** The whole file. It is removed, also when it cannot be read. */
  take(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Removes it, if it is there. */
  discard(path: string): void;
}
