import { SecretText } from '@taleback/core';
import { z } from 'zod';

/** A whole number. */
export const integer = (min: number, max: number, fallback: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);

export const amount = (min: number, max: number, fallback: number) =>
  z.coerce.number().min(min).max(max).default(fallback);

/** A number above 0. */
export const positive = (max: number, fallback: number) => z.coerce.number().gt(0).max(max).default(fallback);

export const text = (fallback: string) => z.string().min(1).default(fallback);

export const onOff = (fallback: 'on' | 'off') => z.enum(['on', 'off']).default(fallback);

/** 0 takes any free port. */
export const port = (fallback: number) => integer(0, 65_535, fallback);

/** An empty variable counts as one that is not set. */
export const optional = <T extends z.ZodType>(schema: T): z.ZodType<z.output<T> | undefined> =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

export const httpAddress = z.url({ protocol: /^https?$/, error: 'must be an http or https address' });

/** Printed as `[redacted]`; undefined if it is empty. */
export const secret = z.string().transform((value) => {
  const key = value.trim();
  return key === '' ? undefined : new SecretText(key);
});

/** The items of a list that is separated by commas. */
export const listIn = (value: string): string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
