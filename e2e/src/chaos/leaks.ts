import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What no line of a log may have, whatever is in it. */
const PATTERNS: Readonly<Record<string, RegExp>> = {
  'the query of an address': /[\w/][?#&][\w.~%-]+=/,
  'a signature': /signature=/i,
  'a token': /token=(?!redacted)/i,
  'a recording': /[\w+/]{300,}/,
};

/** What the logs in a folder show and must not, a sentence each. */
export const findLeaks = async (folder: string, secrets: readonly string[]): Promise<string[]> => {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.log'));
  const leaks = new Set<string>();
  for (const file of files) {
    for (const line of (await readFile(join(folder, file), 'utf8')).split('\n')) {
      const shown = Object.keys(PATTERNS).filter((name) => PATTERNS[name]?.test(line));
      if (secrets.some((secret) => line.includes(secret))) shown.push('a secret or a text');
      for (const name of shown) leaks.add(`${file} shows ${name}: ${line.slice(0, 300)}`);
    }
  }
  return [...leaks].slice(0, 10);
};
