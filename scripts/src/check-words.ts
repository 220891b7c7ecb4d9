import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inRoot } from './paths.ts';

// Fails when a name, comment, text or document uses a word that may not return: CONTRIBUTING has the standard terms.

const WORDS =
  'told|tells? of|nobody|whoever|somebody|errands?|patience|doors?|pictures?|tellers?|anew|by itself|tall(?:y|ies)|stand-?ins?|stands in|brings';

/** Whole words, also within names: `toldOutcome`, `isTold`, `door_open`. */
const FORBIDDEN = new RegExp(
  `(?<![A-Za-z])(?:${WORDS})(?![a-z])|(?<=[a-z])(?:${WORDS.replace(/(^|\|)([a-z])/g, (_, bar: string, first: string) => bar + first.toUpperCase())})(?![a-z])`,
  'g',
);

/** Files that hold sentences which people see, or quote. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'scripts/src/check-words.ts': 'lists them',
  'packages/core/src/errors/catalogue.ts': 'sentences that readers see',
  'scripts/src/tour.ts': 'the text of stories',
  'CHANGELOG.md': 'quotes earlier versions',
};
const CHECKED = /\.(?:ts|tsx|mts|mjs|cjs|js|py|css|html|md|json|sh)$/;
/** Tests contain texts to narrate, and words of people. */
const UNCHECKED = /package-lock\.json$|^THIRD-PARTY\.md$|\.test\.|(?:^|\/)test\//;

const { stdout } = await promisify(execFile)('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: inRoot(),
  maxBuffer: 64 * 1024 * 1024,
});
for (const file of stdout.split('\n')) {
  if (!CHECKED.test(file) || UNCHECKED.test(file) || file in EXCEPTIONS) continue;
  const lines = (await readFile(inRoot(file), 'utf8').catch(() => '')).split('\n');
  for (const [index, line] of lines.entries()) {
    const [word] = line.match(FORBIDDEN) ?? [];
    if (word === undefined) continue;
    process.stderr.write(`${file}:${index + 1}: "${word}" may not return: ${line.trim().slice(0, 100)}\n`);
    process.exitCode = 1;
  }
}
