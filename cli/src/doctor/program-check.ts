import type { Check } from './check.ts';

export interface ProgramCheckOptions {
  /** Such as `espeak-ng`. */
  readonly name: string;
  /** Its version, in one line. @throws what starting it says, such as ENOENT */
  readonly version: (signal: AbortSignal) => Promise<string>;
  /** How it is had, such as `apt-get install espeak-ng`. */
  readonly remedy: string;
}

/** A program of this machine that an engine which is configured needs. */
export const programCheck = ({ name, version, remedy }: ProgramCheckOptions): Check => ({
  name,
  group: 'machine',
  run: async (signal) => {
    try {
      return { status: 'ok', summary: await version(signal) };
    } catch (error) {
      const isMissing = (error as { code?: unknown }).code === 'ENOENT';
      return {
        status: 'failed',
        code: 'model_unavailable',
        summary: isMissing ? 'It is not installed.' : 'It does not start.',
        details: error instanceof Error ? error.message : String(error),
        suggestions: [remedy],
      };
    }
  },
});
