import { isRecord, numberOf } from '@taleback/core';

/** The fields of a Firestore document; nothing of it is taken for granted. */
export type Fields = Readonly<Record<string, unknown>>;

export const fieldsOf = (value: unknown): Fields => (isRecord(value) ? value : {});

/** A text that is not blank. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value : undefined;

/** Unix milliseconds of a Firestore Timestamp (anything that knows `toMillis`), a Date or a number. */
export const millisOf = (value: unknown): number | undefined => {
  if (value instanceof Date) return numberOf(value.getTime());
  const toMillis = fieldsOf(value)['toMillis'];
  return numberOf(typeof toMillis === 'function' ? toMillis.call(value) : value);
};

/** An address that is safe to put into `src` and `href`: http or https, nothing that runs. */
export const webAddressOf = (value: unknown): string | undefined => {
  const text = textOf(value);
  if (text === undefined || !URL.canParse(text)) return undefined;
  return /^https?:$/.test(new URL(text).protocol) ? text : undefined;
};
