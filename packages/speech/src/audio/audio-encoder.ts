/** One sound file in the making. One call at a time: await each before the next. */
export interface AudioStream {
  /**
   * Takes the samples (their buffer is moved away) and settles when they are encoded.
   * @returns what can be given out already, in order; nothing for a format whose beginning stands on the whole
   */
  write(samples: Int16Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** The whole file. The stream is over. */
  finish(): Promise<Uint8Array<ArrayBuffer>>;
  /** Gives the stream up. Safe at any time, also after `finish`. */
  abandon(): void;
}

export interface AudioEncoder {
  open(sampleRateHz: number): Promise<AudioStream>;
  /** Fails what is under way and ends whatever it runs on. */
  close(): Promise<void>;
}
