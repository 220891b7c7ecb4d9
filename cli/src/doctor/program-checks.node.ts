import { execFile } from 'node:child_process';
import type { Check } from './examine.ts';

/** A program of this machine that a configured engine needs. */
export interface NeededProgram {
  /** Such as `espeak-ng`. */
  readonly name: string;
  /** Its version, in one line. @throws what starting it says, such as ENOENT */
  readonly version: (signal: AbortSignal) => Promise<string>;
  /** How to install it, such as `apt-get install espeak-ng`. */
  readonly remedy: string;
}

/**
 * The first line that a program prints for `--version`.
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

/** Engines that a Python process of ours hosts. */
const HOSTED = /^(?:espeak-ng|[a-z-]+-python)$/;

/** The programs that the configured engines need. */
export const neededPrograms = (config: {
  readonly names: readonly string[];
  readonly python: { readonly command: string };
}): readonly NeededProgram[] => [
  ...(config.names.some((name) => HOSTED.test(name))
    ? [
        {
          name: 'Python',
          version: (signal: AbortSignal) => readProgramVersion(config.python.command, signal),
          remedy: 'Install Python 3, or name it in PYTHON',
        },
      ]
    : []),
  ...(config.names.includes('espeak-ng')
    ? [
        {
          name: 'espeak-ng',
          version: (signal: AbortSignal) => readProgramVersion('espeak-ng', signal),
          remedy: 'Install it, such as with apt-get install espeak-ng',
        },
      ]
    : []),
];

/** Whether a program that an engine needs can be started. */
export const programCheck = ({ name, version, remedy }: NeededProgram): Check => ({
  name,
  group: 'machine',
  run: async (signal) => {
    try {
      return { status: 'ok', summary: await version(signal) };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return {
        status: 'failed',
        code: 'model_unavailable',
        summary: code === 'ENOENT' ? 'It is not installed.' : 'It does not start.',
        details: message,
        suggestions: [remedy],
      };
    }
  },
});
