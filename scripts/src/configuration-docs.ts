import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { z } from 'zod';
import { functionsEnvironment } from '@taleback/functions/src/config.ts';
import { workerEnvironment } from '@taleback/worker/src/config.ts';
import { parseCommandLine } from './command-line.ts';
import { inRoot } from './paths.ts';

interface Part {
  readonly title: string;
  readonly intro: string;
  readonly variables: z.ZodObject;
}

interface Variable {
  readonly name: string;
  readonly fallback: string | undefined;
  readonly description: string;
}

const NOTICE = 'Made from the `config.ts` of each workspace by `node scripts/run.mjs configuration-docs`.';

const variablesOf = (part: Part): Variable[] =>
  Object.entries(part.variables.shape).map(([name, field]) => {
    const result = (field as z.ZodType).safeParse(undefined);
    const { description } = field as z.ZodType;
    if (description === undefined) throw new Error(`${name}: has no description`);
    return { name, fallback: result.success ? printed(result.data) : undefined, description };
  });

const printed = (value: unknown): string => {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

/** `docs/configuration.md` */
const renderManual = (parts: readonly Part[]): string => {
  const sections = parts.map((part) => {
    const rows = variablesOf(part).map(
      ({ name, fallback, description }) =>
        `| \`${name}\` | ${fallback ? `\`${fallback}\`` : ''} | ${description} |`,
    );
    return [
      `## ${part.title}`,
      '',
      part.intro,
      '',
      '| variable | default | meaning |',
      '| --- | --- | --- |',
      ...rows,
    ].join('\n');
  });
  return `# Configuration\n\n${NOTICE}\n\n${sections.join('\n\n')}\n`;
};

/** `.env.example` */
const renderExample = (parts: readonly Part[]): string => {
  const sections = parts.map((part) => {
    const lines = variablesOf(part).flatMap(({ name, fallback, description }) => [
      `# ${description}`,
      `${fallback ? '# ' : ''}${name}=${fallback ?? ''}`.replace(/^(?!#)/, '# '),
    ]);
    return [`# ${part.title}`, '', ...lines].join('\n');
  });
  return `# ${NOTICE}\n\n${sections.join('\n\n')}\n`;
};

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

const { check } = parseCommandLine({
  usage: `Writes docs/configuration.md and .env.example from each config.ts.

  node scripts/run.mjs configuration-docs [--check]

  --check   write nothing; fail when a file differs
`,
  options: { check: { type: 'boolean', default: false } },
}).values;
for (const [file, text] of Object.entries(FILES)) {
  if (!check) {
    await mkdir(inRoot('docs'), { recursive: true });
    await writeFile(inRoot(file), text);
    continue;
  }
  const stands = await readFile(inRoot(file), 'utf8').catch(() => undefined);
  if (stands === text) continue;
  process.stderr.write(`${file} is not what config.ts says; run: node scripts/run.mjs configuration-docs\n`);
  process.exitCode = 1;
}
