import { constants } from 'node:os';
import type { ChildEnd } from './child-end.ts';

const SIGNALLED = 128;
/** What a shell says of a command that it cannot run. */
const NOT_STARTED = 127;

/** The exit code that tells how a child ended, as shells do: its own, or 128 and the number of the signal. */
export const exitCodeOf = (end: ChildEnd): number => {
  switch (end.kind) {
    case 'exited':
      return end.code;
    case 'killed':
      return SIGNALLED + constants.signals[end.signal];
    case 'not-started':
      return NOT_STARTED;
    default:
      return end satisfies never;
  }
};
