import type { z } from 'zod';

export interface Part {
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
export const renderManual = (parts: readonly Part[]): string => {
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
export const renderExample = (parts: readonly Part[]): string => {
  const sections = parts.map((part) => {
    const lines = variablesOf(part).flatMap(({ name, fallback, description }) => [
      `# ${description}`,
      `${fallback ? '# ' : ''}${name}=${fallback ?? ''}`.replace(/^(?!#)/, '# '),
    ]);
    return [`# ${part.title}`, '', ...lines].join('\n');
  });
  return `# ${NOTICE}\n\n${sections.join('\n\n')}\n`;
};
