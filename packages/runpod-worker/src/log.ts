import type { RunpodLog } from './index.ts';

/** One JSON line each, on standard error. */
export const logLines: RunpodLog = (severity, message, fields = {}) => {
  process.stderr.write(`${JSON.stringify({ level: severity, message, ...fields })}\n`);
};
