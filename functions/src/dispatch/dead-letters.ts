/** A job that nobody could take, as it came. */
export interface DeadLetter {
  readonly data: Buffer;
  /** Names of the job and the story, the reason and its code. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Where jobs that nobody could take are kept, to be looked at and sent again. */
export interface DeadLetters {
  /** @throws when it is not kept */
  publish(letter: DeadLetter): Promise<void>;
}
