/** Longest part of a fault that is logged, characters: a message may quote what it choked on. */
const MAX_CHARACTERS = { message: 2_000, stack: 8_000 } as const;

/** What the log says of something that was thrown. It never throws itself, whatever was thrown. */
export interface FaultWords {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: string;
}

const wordsOf = (value: unknown): string =>
  value instanceof Error ? `${value.name}: ${value.message}` : String(value);

const wordsOfError = ({ name, message, stack, cause }: Error): FaultWords => ({
  name,
  message: message.slice(0, MAX_CHARACTERS.message),
  ...(typeof stack === 'string' ? { stack: stack.slice(0, MAX_CHARACTERS.stack) } : {}),
  ...(cause === undefined ? {} : { cause: wordsOf(cause).slice(0, MAX_CHARACTERS.message) }),
});

/** Puts whatever was thrown or rejected with into words. */
export const describeFault = (fault: unknown): FaultWords => {
  try {
    return fault instanceof Error
      ? wordsOfError(fault)
      : { name: typeof fault, message: wordsOf(fault).slice(0, MAX_CHARACTERS.message) };
  } catch {
    return { name: typeof fault, message: 'It cannot be printed.' };
  }
};
