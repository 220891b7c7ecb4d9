import type { z } from 'zod';
import { functionsEnvironment } from '@taleback/functions/src/config.ts';
import { numbersOf, PROFILES } from '@taleback/resilience';
import { profileSettings, settingsOf } from '@taleback/speech';
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

/** What stands for the name of an engine, in capitals. */
const ENGINE = '<ENGINE>_';

const printed = (value: unknown): string => {
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

const variablesOf = (environment: z.ZodObject, prefix = ''): Variable[] =>
  Object.entries(environment.shape).map(([suffix, field]) => {
    const name = prefix + suffix;
    const result = (field as z.ZodType).safeParse(undefined);
    const { description } = field as z.ZodType;
    if (description === undefined) throw new Error(`${name}: has no description`);
    return { name, fallback: result.success ? printed(result.data) : undefined, description };
  });

const PARTS = [
  {
    title: 'Functions',
    intro:
      'Read by the deployed functions. `CALLBACK_SECRETS`, `GENERATE_SECRETS`, `RUNPOD_API_KEY` and `S3_SECRET_ACCESS_KEY` are secrets of Secret Manager; the others go into `functions/.env`.',
    variables: variablesOf(functionsEnvironment),
  },
  {
    title: 'Worker',
    intro:
      'Read once when the worker starts. Google Cloud credentials and `PUBSUB_EMULATOR_HOST` are those of the client library.',
    variables: variablesOf(workerEnvironment),
  },
  {
    title: 'Engines of the worker',
    intro:
      'For each engine in `ENGINES`, with its name in capitals: `KOKORO_PROFILE=guarded`, `ESPEAK_NG_RETRIES=1`. Those of other engines are ignored. A single value replaces the number of the profile; `taleback doctor` prints the numbers in force, and where they come from.',
    variables: variablesOf(profileSettings, ENGINE),
  },
] as const;

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

/** The numbers of the profiles: a row for each setting. */
const profileTable = (): string => {
  const profiles = Object.entries(PROFILES).map(([name, profile]) => ({
    name,
    values: new Map<string, number>(
      settingsOf(numbersOf(profile)).map(({ setting, value }) => [setting, value]),
    ),
  }));
  const settings = variablesOf(profileSettings).filter(({ name }) => name !== 'PROFILE');
  return [
    row(['profile', ...profiles.map(({ name }) => `\`${name}\``)]),
    row(['---', ...profiles.map(() => '---')]),
    ...settings.map(({ name }) =>
      row([`\`${name}\``, ...profiles.map(({ values }) => values.get(name) ?? '')]),
    ),
  ].join('\n');
};

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
  return `# Configuration\n\n${NOTICE}\n\n${sections.join('\n\n')}\n\n${profileTable()}\n`;
};

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
