import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createNames } from '@taleback/core';
import { runScript, UsageError } from './command-line.ts';
import { inRoot } from './paths.ts';

const USAGE = `Fails when a line of a source or document has what may not be there.

  node scripts/run.mjs check-lines names|words

  names   a collection, topic, subscription, owner field or region that is not taken from createNames()
  words   a word that may not return, in a name, comment, text or document: CONTRIBUTING has the standard terms
`;

interface Rule {
  readonly files: RegExp;
  readonly except: RegExp;
  /** Files that need what the rule finds, and why. */
  readonly exceptions: Readonly<Record<string, string>>;
  /** What is wrong with a line; undefined when it is right. */
  readonly complaint: (line: string) => string | undefined;
}

const { collections, topics, subscriptions, region, ownerField } = createNames();
const paths = Object.values(collections).join('|');
const all = [paths, ...Object.values(topics), ...Object.values(subscriptions), region, ownerField].join('|');
const NAME = new RegExp(`(['"])(?:${all})\\1|['"\`](?:${paths})/|/(?:${paths})/\\$\\{`);

const WORDS =
  'told|tells? of|nobody|whoever|somebody|errands?|patience|doors?|pictures?|tellers?|anew|by itself|tall(?:y|ies)|stand-?ins?|stands in|brings';
const CAPITALIZED = WORDS.replace(
  /(^|\|)([a-z])/g,
  (_, bar: string, letter: string) => bar + letter.toUpperCase(),
);
/** Whole words, also within names: `toldOutcome`, `isTold`, `door_open`. */
const WORD = new RegExp(`(?<![A-Za-z])(?:${WORDS})(?![a-z])|(?<=[a-z])(?:${CAPITALIZED})(?![a-z])`);

const RULES: Readonly<Record<string, Rule>> = {
  names: {
    files: /\.(?:ts|tsx|mts|mjs|js)$/,
    except: /(?:^|\/)(?:test|examples|docs)\/|\.test\.|fixture|gallery/,
    exceptions: {
      'packages/core/src/names.ts': 'defines them',
      'packages/core/src/storage/audio-key.ts': 'a folder of the audio store',
      'packages/core/src/story/story-audio.ts': 'a field of NarrationState',
      'functions/src/stories/opening.ts': 'a field of StoryText',
      'functions/src/stories/deletions.node.ts': 'a field of a deletion',
      'packages/core/src/story/budget.ts': 'a limit of a budget',
      'packages/handler/src/parse-event.ts': 'a field of the RunPod event',
      'e2e/src/chaos.ts': 'a command line option',
    },
    complaint: (line) =>
      NAME.test(line) && !/^\s*(?:\/\/|\/?\*)/.test(line) ? 'take this name from createNames()' : undefined,
  },
  words: {
    files: /\.(?:ts|tsx|mts|mjs|cjs|js|py|css|html|md|json|sh)$/,
    // Tests contain texts to narrate, and words of people.
    except: /package-lock\.json$|^THIRD-PARTY\.md$|\.test\.|(?:^|\/)test\//,
    exceptions: {
      'scripts/src/check-lines.ts': 'lists them',
      'packages/core/src/errors/catalogue.ts': 'sentences that readers see',
      'scripts/src/tour.json': 'the text of stories',
      'web/src/stories/samples.json': 'the text of stories',
      'CHANGELOG.md': 'quotes earlier versions',
    },
    complaint: (line) => {
      const [word] = WORD.exec(line) ?? [];
      return word === undefined ? undefined : `"${word}" may not return`;
    },
  },
};

await runScript({ usage: USAGE, maxArguments: 1 }, async (_flags, [name = '']) => {
  const rule = RULES[name];
  if (rule === undefined) throw new UsageError(`"${name}" is not one of ${Object.keys(RULES).join(', ')}`);
  const list = ['ls-files', '-co', '--exclude-standard'];
  const { stdout } = spawnSync('git', list, { cwd: inRoot(), encoding: 'utf8', maxBuffer: 2 ** 26 });
  let exitCode = 0;
  for (const file of stdout.split('\n')) {
    if (!rule.files.test(file) || rule.except.test(file) || file in rule.exceptions) continue;
    const lines = (await readFile(inRoot(file), 'utf8').catch(() => '')).split('\n');
    for (const [index, line] of lines.entries()) {
      const complaint = rule.complaint(line);
      if (complaint === undefined) continue;
      process.stderr.write(`${file}:${index + 1}: ${complaint}: ${line.trim().slice(0, 100)}\n`);
      exitCode = 1;
    }
  }
  return exitCode;
});
