import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { createNames } from '@taleback/core';
import { inRoot } from './paths.ts';

// Fails when a source names a collection, topic, subscription, owner field or region itself instead of by createNames().

/** The same words with another meaning. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'packages/core/src/names.ts': 'defines them',
  'packages/core/src/storage/audio-key.ts': 'a folder of the audio store',
  'packages/core/src/story/story-audio.ts': 'a field of NarrationState',
  'packages/handler/src/parse-event.ts': 'a field of the RunPod event',
  'e2e/src/chaos.ts': 'a command line option',
};

const { collections, topics, subscriptions, region, ownerField } = createNames();
const paths = Object.values(collections).join('|');
const whole = [paths, ...Object.values(topics), ...Object.values(subscriptions), region, ownerField].join(
  '|',
);
const LITERALS = [
  new RegExp(`(['"])(?:${whole})\\1`),
  new RegExp(`['"\`](?:${paths})/`),
  new RegExp(`/(?:${paths})/\\$\\{`),
];

const isSource = (file: string): boolean =>
  /\.(?:ts|tsx|mts|mjs|js)$/.test(file) &&
  !/(?:^|\/)(?:test|examples|docs)\/|\.test\.|fixture|gallery/.test(file);

const { stdout } = await promisify(execFile)('git', ['ls-files'], {
  cwd: inRoot(),
  maxBuffer: 64 * 1024 * 1024,
});
for (const file of stdout.split('\n').filter(isSource)) {
  if (file in EXCEPTIONS) continue;
  const lines = (await readFile(inRoot(file), 'utf8').catch(() => '')).split('\n');
  for (const [index, line] of lines.entries()) {
    if (/^\s*(?:\/\/|\/?\*)/.test(line) || !LITERALS.some((literal) => literal.test(line))) continue;
    process.stderr.write(`${file}:${index + 1}: take this name from createNames(): ${line.trim()}\n`);
    process.exitCode = 1;
  }
}
