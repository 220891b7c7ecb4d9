import type { ProgramCheckOptions } from '@taleback/speech/src/diagnosis/index.ts';

/** What of the configuration says which programs are needed. */
export interface ProgramNeeds {
  readonly names: readonly string[];
  readonly python: { readonly command: string };
}

/** Those that a Python process of ours hosts. */
const HOSTED = /^(?:espeak-ng|[a-z-]+-python)$/;

/**
 * The programs that the configured engines need.
 *
 * @param versionOf the version of a program; throws what starting it says
 */
export const enginePrograms = (
  { names, python }: ProgramNeeds,
  versionOf: (command: string, signal: AbortSignal) => Promise<string>,
): readonly ProgramCheckOptions[] => {
  const programs: ProgramCheckOptions[] = [];
  if (names.some((name) => HOSTED.test(name))) {
    programs.push({
      name: 'Python',
      version: (signal) => versionOf(python.command, signal),
      remedy: 'Install Python 3, or name it in PYTHON',
    });
  }
  if (names.includes('espeak-ng')) {
    programs.push({
      name: 'espeak-ng',
      version: (signal) => versionOf('espeak-ng', signal),
      remedy: 'Install it, such as with apt-get install espeak-ng',
    });
  }
  return programs;
};
