import type { Letter } from './find-letters.ts';

/** Widths of the columns before the last, in characters. */
const WIDTHS = [24, 28, 22] as const;

const fit = (text: string, width: number): string =>
  (text.length > width ? `${text.slice(0, width - 1)}…` : text).padEnd(width);

const row = (cells: readonly string[]): string =>
  cells.map((cell, index) => (WIDTHS[index] === undefined ? cell : fit(cell, WIDTHS[index]))).join('  ');

export const tableHead = (last: string): string => row(['written', 'story', 'message', last]);

/** A letter as a line: one that cannot be read is told by its file. */
export const tableRow = ({ file, content }: Letter, last: string): string => {
  const line = last.replace(/\s+/g, ' ');
  if (!content.ok) return row(['?', '?', file, line]);
  const { createdMs, message } = content.entry;
  return row([new Date(createdMs).toISOString(), message.payload.story_id, message.messageId, line]);
};
