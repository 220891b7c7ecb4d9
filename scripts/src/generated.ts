import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { inRoot } from './paths.ts';

export const CHECK_OPTION = { check: { type: 'boolean', default: false } } as const;

/**
 * Writes generated files, by their paths in the project.
 *
 * @param check write nothing: report files that differ as `complaint`
 * @returns the exit code
 */
export const writeGenerated = async (
  files: Readonly<Record<string, string>>,
  { check, complaint }: { readonly check: boolean; readonly complaint: string },
): Promise<number> => {
  let exitCode = 0;
  for (const [file, text] of Object.entries(files)) {
    const before = await readFile(inRoot(file), 'utf8').catch(() => undefined);
    if (before === text) continue;
    if (check) {
      process.stderr.write(`${file} ${complaint}\n`);
      exitCode = 1;
    } else {
      await mkdir(dirname(inRoot(file)), { recursive: true });
      await writeFile(inRoot(file), text);
    }
  }
  return exitCode;
};
