import { execFile } from 'node:child_process';

/**
 * The first line of what a program says to `--version`.
 *
 * @throws what starting it says, such as ENOENT
 */
export const readProgramVersion = (command: string, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(command, ['--version'], { signal }, (error, stdout, stderr) => {
      if (error === null) resolve((stdout.trim() || stderr.trim()).split('\n', 1)[0] ?? '');
      else reject(error);
    });
  });
