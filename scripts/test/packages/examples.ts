import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The code of one `@example`. */
export interface Example {
  /** `file:line`, relative to the package. */
  readonly place: string;
  readonly code: string;
  /** False for one that begins with `// Not run: reason`, such as the entry of a child process. */
  readonly isRun: boolean;
}

/** The code between `@example` and the next tag or the end of its comment. */
const examplesOf = (file: string, text: string): Example[] => {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    if (!/^\s*\*?\s*@example\b/.test(line)) return [];
    const rest = lines.slice(at + 1);
    const end = rest.findIndex((next) => /^\s*\*\/|^\s*\* @\w/.test(next));
    const code = rest
      .slice(0, end)
      .map((codeLine) => codeLine.replace(/^\s*\* ?/, ''))
      .filter((codeLine) => !codeLine.startsWith('```'))
      .join('\n');
    return [{ place: `${file}:${at + 1}`, code, isRun: !code.startsWith('// Not run: ') }];
  });
};

/** Every `@example` in the sources of a package, tests apart. */
export const readExamples = async (folder: string): Promise<Example[]> => {
  const files = (await readdir(join(folder, 'src'), { recursive: true })).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  );
  const found = await Promise.all(
    files
      .sort()
      .map(async (file) => examplesOf(`src/${file}`, await readFile(join(folder, 'src', file), 'utf8'))),
  );
  return found.flat();
};

/** An example without imports gets those names that it uses. @param exported the module of each name */
export const withImports = (code: string, exported: ReadonlyMap<string, string>): string => {
  if (/^import /m.test(code)) return code;
  const used = [...exported].filter(([name]) => new RegExp(`\\b${name}\\b`).test(code));
  return used.map(([name, module]) => `import { ${name} } from '${module}';\n`).join('') + code;
};

/** The first code block of a README in one of these languages. */
export const readmeBlock = (
  readme: string,
  languages: readonly string[],
): { readonly language: string; readonly code: string } | undefined => {
  for (const [, language = '', code = ''] of readme.matchAll(/^```(\w+)[^\n]*\n([\s\S]*?)^```$/gm)) {
    if (languages.includes(language)) return { language, code };
  }
  return undefined;
};
