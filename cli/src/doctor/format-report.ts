import type { CheckResult, CheckStatus, Report } from './examine.ts';

export interface ReportStyle {
  /** Columns of the terminal; lines are broken at words to fit. Default 80. */
  readonly width?: number | undefined;
  readonly colour?: boolean | undefined;
}

const MARKS: Readonly<Record<CheckStatus, string>> = {
  ok: '✓',
  warning: '!',
  failed: '✗',
  skipped: '-',
};
/** Green, yellow, red, grey: said by the mark and the word as well. */
const COLOURS: Readonly<Record<CheckStatus, number>> = { ok: 32, warning: 33, failed: 31, skipped: 90 };
const LEAST_WIDTH = 40;

/** Breaks words into lines of at most so many characters; a longer word stays whole. */
const wrap = (text: string, width: number): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
};

const indented = (text: string, first: string, width: number): string[] => {
  const room = Math.max(LEAST_WIDTH / 2, width - first.length);
  return wrap(text, room).map((line, index) => (index === 0 ? first : ' '.repeat(first.length)) + line);
};

const totalOf = (checks: readonly CheckResult[]): string => {
  const count = (status: CheckStatus): number => checks.filter((check) => check.status === status).length;
  const parts = [`${count('ok')} well`];
  if (count('warning') > 0) parts.push(`${count('warning')} to look at`);
  if (count('failed') > 0) parts.push(`${count('failed')} failed`);
  if (count('skipped') > 0) parts.push(`${count('skipped')} skipped`);
  return parts.join(', ');
};

/** A report for people: a heading per group, a line per check, and what to do below what is not well. */
export const formatReport = (
  { checks, ok }: Report,
  { width = 80, colour = false }: ReportStyle = {},
): string => {
  const columns = Math.max(LEAST_WIDTH, width);
  const paint = (status: CheckStatus, text: string): string =>
    colour ? `\u001B[${COLOURS[status]}m${text}\u001B[0m` : text;
  const nameWidth = Math.min(24, Math.max(0, ...checks.map(({ name }) => name.length)));
  const lines: string[] = [];
  let group: string | undefined;
  for (const check of checks) {
    if (check.group !== group) {
      if (group !== undefined) lines.push('');
      ({ group } = check);
      lines.push(`${group[0]?.toUpperCase() ?? ''}${group.slice(1)}`);
    }
    const head = `  ${MARKS[check.status]} ${check.name.padEnd(nameWidth)}  `;
    const [first = '', ...rest] = indented(check.summary, head, columns);
    lines.push(first.replace(MARKS[check.status], paint(check.status, MARKS[check.status])), ...rest);
    if (check.status === 'ok' || check.status === 'skipped') continue;
    const code = check.code === undefined ? '' : `${check.code}: `;
    const detail = `${code}${check.details ?? ''}`.replace(/: $/, '');
    if (detail !== '') lines.push(...indented(detail, '      ', columns));
    for (const suggestion of check.suggestions) lines.push(...indented(suggestion, '      - ', columns));
  }
  lines.push('', `${ok ? 'All is well' : 'Something is wrong'}: ${totalOf(checks)}.`);
  return lines.join('\n');
};
