import { join } from 'node:path';

/** A path in the project's folder. */
export const inRoot = (...parts: string[]): string => join(import.meta.dirname, '..', '..', ...parts);
