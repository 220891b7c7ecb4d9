/** Random numbers that a seed repeats: mulberry32 by Tommy Ettinger, public domain. */
export interface Random {
  /** 0 to below 1. */
  readonly next: () => number;
  /** A whole number from `min` to `max`, both possible. */
  readonly between: (min: number, max: number) => number;
  readonly chance: (probability: number) => boolean;
  /** A source of its own, so that one party's draws do not shift another's. */
  readonly fork: (name: string) => Random;
}

const hashOf = (seed: number, name: string): number => {
  let hash = seed;
  for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
};

/** @param seed a whole number from 0 to 2^32 - 1 */
export const randomFrom = (seed: number): Random => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (min, max) => min + Math.floor(next() * (max - min + 1)),
    chance: (probability) => next() < probability,
    fork: (name) => randomFrom(hashOf(seed, name)),
  };
};
