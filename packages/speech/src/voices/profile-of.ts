import { isJsonObject } from '@taleback/core';

/** Where a job says that the recording of a voice is; at most one of the two. */
export interface ProfileSource {
  /** The recording itself, perhaps with `data:` before it. */
  readonly base64?: string | undefined;
  /** Its key in the store. */
  readonly path?: string | undefined;
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value : undefined;

const sourceIn = (fields: unknown): ProfileSource | undefined => {
  if (!isJsonObject(fields)) return undefined;
  const base64 = text(fields['profile_base64']);
  if (base64 !== undefined) return { base64 };
  const path = text(fields['profile_path']);
  return path === undefined ? undefined : { path };
};

/**
 * The recording that an event names: in `input`, else in the metadata nested there; the recording itself before a path.
 * @returns undefined when it names none
 */
export const profileOf = (event: unknown): ProfileSource | undefined => {
  const input = isJsonObject(event) ? event['input'] : undefined;
  if (!isJsonObject(input)) return undefined;
  return sourceIn(input) ?? sourceIn(input['metadata']);
};
