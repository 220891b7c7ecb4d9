import { readFile, writeFile } from 'node:fs/promises';
import { createNames, type Names } from '@taleback/core';
import { parseCommandLine } from './command-line.ts';
import { inRoot } from './paths.ts';

const { values: flags } = parseCommandLine({
  usage: `Writes firestore.rules, firestore.indexes.json and the names in firebase.json.

  node scripts/run.mjs firebase-files [--instance NAME] [--region REGION] [--owner-field FIELD] [--check]

  --check   write nothing; fail when a file differs
`,
  options: {
    check: { type: 'boolean', default: false },
    instance: { type: 'string' },
    region: { type: 'string' },
    'owner-field': { type: 'string' },
  },
});

/** Replaces `{{stories}}` and the like. */
const fill = (template: string, { collections, ownerField }: Names): string =>
  template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = { ...collections, ownerField }[name as keyof typeof collections | 'ownerField'];
    if (value === undefined) throw new Error(`{{${name}}} is not a name of createNames()`);
    return value;
  });

/** The file as it is, with the region, the receiver's id and the functions' prefix of these names. */
const firebaseJson = (text: string, { functions, region, instance }: Names): string =>
  text
    .replace(
      /"functionId": "[^"]*", "region": "[^"]*"/,
      `"functionId": "${functions.receiver}", "region": "${region}"`,
    )
    .replace(/\n *"prefix": "[^"]*",/, '')
    .replace(/( *)"codebase": "default",/, `$&${instance === '' ? '' : `\n$1"prefix": "${instance}",`}`);

const names = createNames({ ...flags, ownerField: flags['owner-field'] });
const read = (file: string): Promise<string> => readFile(inRoot(file), 'utf8');
const files = {
  'firestore.rules': fill(await read('functions/firestore/firestore.rules.template'), names),
  'firestore.indexes.json': fill(await read('functions/firestore/firestore.indexes.json.template'), names),
  'firebase.json': firebaseJson(await read('firebase.json'), names),
};
for (const [file, text] of Object.entries(files)) {
  if (!flags.check) await writeFile(inRoot(file), text);
  else if ((await read(file).catch(() => undefined)) !== text) {
    process.stderr.write(`${file} is out of date; run: node scripts/run.mjs firebase-files\n`);
    process.exitCode = 1;
  }
}
