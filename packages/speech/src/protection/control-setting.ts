/** What a shell's or an editor's encoding leaves between the letters: Windows PowerShell's `>>` appends UTF-16. */
const ENCODING_REMAINS = /[\0\uFEFF\uFFFD]/g;

/** cmd.exe writes the quotes of its `echo` too, around the whole assignment. */
const ASSIGNMENT = /^\s*["']?(?:export\s+)?([\w.-]+)\s*=(.*)$/;

const withoutComment = (raw: string): string => raw.replace(/#.*$/, '').trim();

const unquote = (raw: string): string => {
  const quoted = /^(["'`])(.*?)\1\s*(?:#.*)?$/.exec(raw.trim());
  return (quoted?.[2] ?? withoutComment(raw).replace(/^["'`]|["'`]$/g, '')).trim();
};

/**
 * The value that a text in .env syntax gives to a key; undefined when it says nothing of it. The last line of the key
 * wins, so that `echo "KEY=value" >> file` has the last word (seed 003: emergency disable), even when the line before
 * it had no end and the two became one.
 */
export const readSetting = (text: string, key: string): string | undefined => {
  let value: string | undefined;
  for (const line of text.replace(ENCODING_REMAINS, '').split(/\r\n|\n|\r/)) {
    const [, name, raw = ''] = ASSIGNMENT.exec(line) ?? [];
    if (name === undefined) continue;
    const glued = withoutComment(raw).split(`${key}=`);
    if (glued.length > 1) value = unquote(glued.at(-1) ?? '');
    else if (name === key) value = unquote(raw);
  }
  return value;
};
