import { z } from 'zod';

/** A list of at most so many; what comes after them is not even looked at. */
export const atMost = (maxItems: number) =>
  z.array(z.unknown(), 'must be a list').transform((items) => items.slice(0, maxItems));

/** What is left of a list without its odd items, and how many those were. */
interface Sifted<T> {
  readonly kept: readonly T[];
  readonly leftOut: number;
}

/** A list of at most so many, whose odd items are left out: one voice of hundreds must not hide its engine. */
export const siftedList = <T>(item: z.ZodType<T>, maxItems: number) =>
  atMost(maxItems).transform((items): Sifted<T> => {
    const kept = items.flatMap((one) => {
      const result = item.safeParse(one);
      return result.success ? [result.data] : [];
    });
    return { kept, leftOut: items.length - kept.length };
  });

/** What was read, and how much of it was left out. */
export interface Counted<T> {
  readonly value: T;
  readonly leftOut: number;
}

/** An empty list, or one that was not told. */
export const NOTHING = { kept: [], leftOut: 0 };

/** How much was left out of all these. */
export const sumLeftOut = (parts: readonly { readonly leftOut: number }[]): number =>
  parts.reduce((total, { leftOut }) => total + leftOut, 0);
