import { MAX_STAMP } from './entry-name.ts';

/** Stamps of entries: the time, but always later than every stamp before, also when the clock was set back. */
export interface Stamps {
  /** Two free stamps in a row: for an entry, and for what may take its place. The first is returned. */
  take(): number;
  /** Stays above a stamp that was seen in the folder. */
  raise(stamp: number): void;
}

/** @param now unix milliseconds */
export const createStamps = (now: () => number): Stamps => {
  let last = 0;
  return {
    take: () => {
      const first = Math.min(MAX_STAMP - 1, Math.max(Math.floor(now()), last + 1));
      last = first + 1;
      return first;
    },
    raise: (stamp) => {
      last = Math.max(last, stamp);
    },
  };
};
