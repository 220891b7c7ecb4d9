import { readFile } from 'node:fs/promises';
import { createNames, type Names } from '@taleback/core';
import { runScript, sentenceOf, UsageError } from './command-line.ts';
import { CHECK_OPTION, writeGenerated } from './generated.ts';
import { inRoot } from './paths.ts';

const USAGE = `Writes firestore.rules, firestore.indexes.json and the names in firebase.json.

  node scripts/run.mjs firebase-files [--instance NAME] [--region REGION] [--owner-field FIELD] [--check]

  --check   write nothing; fail when a file differs
`;
const OPTIONS = {
  ...CHECK_OPTION,
  instance: { type: 'string' },
  region: { type: 'string' },
  'owner-field': { type: 'string' },
} as const;

/** A template of functions/firestore with `{{stories}}` and the like replaced. */
const fill = async (file: string, { collections, ownerField }: Names): Promise<string> => {
  const template = await readFile(inRoot('functions/firestore', `${file}.template`), 'utf8');
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = { ...collections, ownerField }[name as keyof typeof collections | 'ownerField'];
    if (value === undefined) throw new Error(`{{${name}}} is not a name of createNames()`);
    return value;
  });
};

/** The file as it is, with the region, the receiver's id and the functions' prefix of these names. */
const firebaseJson = async ({ functions, region, instance }: Names): Promise<string> =>
  (await readFile(inRoot('firebase.json'), 'utf8'))
    .replace(
      /"functionId": "[^"]*", "region": "[^"]*"/,
      `"functionId": "${functions.receiver}", "region": "${region}"`,
    )
    .replace(/\n *"prefix": "[^"]*",/, '')
    .replace(/( *)"codebase": "default",/, `$&${instance === '' ? '' : `\n$1"prefix": "${instance}",`}`);

/** @throws UsageError */
const parseNames = (options: Parameters<typeof createNames>[0]): Names => {
  try {
    return createNames(options);
  } catch (error) {
    throw new UsageError(sentenceOf(error));
  }
};

await runScript({ usage: USAGE, options: OPTIONS }, async (flags) => {
  const names = parseNames({ ...flags, ownerField: flags['owner-field'] });
  const files = {
    'firestore.rules': await fill('firestore.rules', names),
    'firestore.indexes.json': await fill('firestore.indexes.json', names),
    'firebase.json': await firebaseJson(names),
  };
  const complaint = 'is out of date; run: node scripts/run.mjs firebase-files';
  return writeGenerated(files, { check: flags.check, complaint });
});
