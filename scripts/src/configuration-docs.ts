import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { functionsEnvironment } from '@taleback/functions/src/config.ts';
import { workerEnvironment } from '@taleback/worker/src/config.ts';
import { renderExample, renderManual } from './configuration/render.ts';
import { inRoot } from './paths.ts';

const PARTS = [
  {
    title: 'Functions',
    intro:
      'Read by the deployed functions. `CALLBACK_SECRETS`, `RUNPOD_API_KEY` and `S3_SECRET_ACCESS_KEY` are secrets of Secret Manager; the others go into `functions/.env`.',
    variables: functionsEnvironment,
  },
  {
    title: 'Worker',
    intro:
      'Read once when the worker starts. Google Cloud credentials and `PUBSUB_EMULATOR_HOST` are those of the client library.',
    variables: workerEnvironment,
  },
] as const;

const FILES = {
  'docs/configuration.md': renderManual(PARTS),
  '.env.example': renderExample(PARTS),
};

const isCheck = process.argv.includes('--check');
for (const [file, text] of Object.entries(FILES)) {
  if (!isCheck) {
    await mkdir(inRoot('docs'), { recursive: true });
    await writeFile(inRoot(file), text);
    continue;
  }
  const stands = await readFile(inRoot(file), 'utf8').catch(() => undefined);
  if (stands === text) continue;
  process.stderr.write(`${file} is not what config.ts says; run: node scripts/run.mjs configuration-docs\n`);
  process.exitCode = 1;
}
