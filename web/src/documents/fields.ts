/** The fields of a Firestore document; nothing of it is taken for granted. */
export type Fields = Readonly<Record<string, unknown>>;

export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value : undefined;

export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** Unix milliseconds of a Firestore Timestamp (anything that knows `toMillis`), a Date or a number. */
export const millisOf = (value: unknown): number | undefined => {
  if (value instanceof Date) return numberOf(value.getTime());
  if (typeof value !== 'object' || value === null) return numberOf(value);
  const toMillis = (value as { toMillis?: unknown }).toMillis;
  return typeof toMillis === 'function' ? numberOf(toMillis.call(value)) : undefined;
};

/** An address that is safe to put into `src` and `href`: http or https, nothing that runs. */
export const webAddressOf = (value: unknown): string | undefined => {
  const text = textOf(value);
  if (text === undefined || !URL.canParse(text)) return undefined;
  return /^https?:$/.test(new URL(text).protocol) ? text : undefined;
};

export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
