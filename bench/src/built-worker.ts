import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = new URL('../../', import.meta.url);

/** Builds the worker as the product does. */
export const buildWorker = async (): Promise<{ readonly childFile: string; readonly threadFile: URL }> => {
  const script = fileURLToPath(new URL('scripts/run.mjs', ROOT));
  await promisify(execFile)(process.execPath, [script, 'build', 'worker']);
  return {
    childFile: fileURLToPath(new URL('worker/dist/flite-child.js', ROOT)),
    threadFile: new URL('worker/dist/flite-thread.js', ROOT),
  };
};
