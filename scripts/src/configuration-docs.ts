import type { z } from 'zod';
import { functionsEnvironment } from '@taleback/functions/src/config.ts';
import { workerEnvironment } from '@taleback/worker/src/config.ts';
import { runScript } from './command-line.ts';
import { CHECK_OPTION, writeGenerated } from './generated.ts';

const USAGE = `Writes docs/configuration.md and .env.example from each config.ts.

  node scripts/run.mjs configuration-docs [--check]

  --check   write nothing; fail when a file differs
`;

interface Variable {
  readonly name: string;
  readonly fallback: string | undefined;
  readonly description: string;
}

const NOTICE = 'Made from the `config.ts` of each workspace by `node scripts/run.mjs configuration-docs`.';

const printed = (value: unknown): string => {
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

const variablesOf = (environment: z.ZodObject): Variable[] =>
  Object.entries(environment.shape).map(([name, field]) => {
    const result = (field as z.ZodType).safeParse(undefined);
    const { description } = field as z.ZodType;
    if (description === undefined) throw new Error(`${name}: has no description`);
    return { name, fallback: result.success ? printed(result.data) : undefined, description };
  });

const PARTS = [
  {
    title: 'Functions',
    intro:
      'Read by the deployed functions. `CALLBACK_SECRETS`, `RUNPOD_API_KEY` and `S3_SECRET_ACCESS_KEY` are secrets of Secret Manager; the others go into `functions/.env`.',
    variables: variablesOf(functionsEnvironment),
  },
  {
    title: 'Worker',
    intro:
      'Read once when the worker starts. Google Cloud credentials and `PUBSUB_EMULATOR_HOST` are those of the client library.',
    variables: variablesOf(workerEnvironment),
  },
] as const;

/** `docs/configuration.md` */
const manual = (): string => {
  const sections = PARTS.map(({ title, intro, variables }) => {
    const rows = variables.map(
      ({ name, fallback, description }) =>
        `| \`${name}\` | ${fallback ? `\`${fallback}\`` : ''} | ${description} |`,
    );
    const table = ['| variable | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
    return `## ${title}\n\n${intro}\n\n${table}`;
  });
  return `# Configuration\n\n${NOTICE}\n\n${sections.join('\n\n')}\n`;
};

/** `.env.example` */
const example = (): string => {
  const sections = PARTS.map(({ title, variables }) => {
    const lines = variables.map(
      ({ name, fallback = '', description }) => `# ${description}\n# ${name}=${fallback}`,
    );
    return `# ${title}\n\n${lines.join('\n')}`;
  });
  return `# ${NOTICE}\n\n${sections.join('\n\n')}\n`;
};

await runScript({ usage: USAGE, options: CHECK_OPTION }, ({ check }) =>
  writeGenerated(
    { 'docs/configuration.md': manual(), '.env.example': example() },
    { check, complaint: 'is not what config.ts says; run: node scripts/run.mjs configuration-docs' },
  ),
);
