/** Writes one structured line. Undefined fields are left out. */
export type Log = (
  severity: 'info' | 'warn' | 'error',
  message: string,
  fields?: Record<string, unknown>,
) => void;
