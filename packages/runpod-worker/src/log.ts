/** Called for every line the worker logs. */
export type RunpodLog = (
  severity: 'info' | 'warn' | 'error',
  message: string,
  fields?: Record<string, unknown>,
) => void;

/** One JSON line each, on standard error. */
export const logLines: RunpodLog = (severity, message, fields = {}) => {
  process.stderr.write(`${JSON.stringify({ level: severity, message, ...fields })}\n`);
};

/** Text of anything that was thrown, or that stood in an `error` field. */
export const errorText = (error: unknown): string => {
  if (typeof error === 'string') return error;
  if (error instanceof Error) return error.message;
  try {
    return JSON.stringify(error) ?? String(error);
  } catch {
    return 'The error cannot be put into words.';
  }
};
