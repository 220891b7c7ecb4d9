import { createHash } from 'node:crypto';
import type { OutboxMessage, Substitute } from './message.ts';
import type { EntryName } from './schedule.ts';

/** An entry in the database. */
export interface Row extends EntryName {
  readonly held: number;
  readonly key: string;
  /** JSON text of the address and the substitute. */
  readonly head: string;
  readonly sum: string;
  readonly file: string | null;
  readonly body: string | null;
}

export type NewRow = Omit<Row, 'id' | 'sum' | 'file' | 'body'> & { readonly body: string };

/** Checksum of what was written. */
export const sumOf = (head: string, body: string): string =>
  createHash('sha256').update(`${head}\n`).update(body).digest('hex');

export const rowOf = (
  { url, messageId: key, body, substitute, lane = `message ${key}` }: OutboxMessage,
  stamp: number,
): NewRow => ({
  held: 0,
  stamp,
  destination: new URL(url).origin,
  lane,
  key,
  head: JSON.stringify({ url, substitute }),
  body,
});

export const messageOf = ({ key, head, lane }: Row, body: string): OutboxMessage => {
  const { url, substitute } = JSON.parse(head) as { url: string; substitute?: Substitute };
  return { url, messageId: key, body, lane, substitute };
};
