import { describe, expect, it } from 'vitest';
import { createProgressBar } from './terminal.ts';

const record = (): { readonly written: string[]; readonly write: (text: string) => void } => {
  const written: string[] = [];
  return { written, write: (text) => void written.push(text) };
};

describe('createProgressBar', () => {
  it('draws on one line, and again only when something changed', () => {
    const { written, write } = record();
    const bar = createProgressBar('Speaking', write);
    for (const fraction of [0, 0.001, 0.5, 0.5, 1]) bar.show(fraction);
    bar.clear();
    bar.clear();
    expect(written.map((text) => text.replace('\r\u001B[2K', '|'))).toEqual([
      `|Speaking [${'.'.repeat(30)}]   0 %`,
      `|Speaking [${'#'.repeat(15)}${'.'.repeat(15)}]  50 %`,
      `|Speaking [${'#'.repeat(30)}] 100 %`,
      '|',
    ]);
  });

  it('keeps within its bounds', () => {
    const { written, write } = record();
    const bar = createProgressBar('x', write);
    bar.show(-1);
    bar.show(2);
    expect(written).toHaveLength(2);
    expect(written[1]).toContain('100 %');
  });

  it('says nothing where no one looks', () => {
    const bar = createProgressBar('x', undefined);
    expect(() => {
      bar.show(0.5);
      bar.clear();
    }).not.toThrow();
  });
});
