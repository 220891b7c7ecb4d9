import { setTimeout } from 'node:timers/promises';
import { createNames } from '@taleback/core';
import type { StackAddresses } from './addresses.ts';

export interface Sweeper {
  /** Lets the sweep under way go, and begins no other. */
  stop(): Promise<void>;
}

/** How often the sweep is called, in milliseconds. The schedule of a deployment is a minute. */
const SWEEP_EVERY_MS = 5_000;
/** The first call starts the function's process. */
const CALL_TIMEOUT_MS = 60_000;

/** Suffix by which the functions emulator tells the triggers of one function apart. */
const TRIGGER = `${createNames().functions.sweep}-0`;

/** Calls the scheduled sweep of a stack again and again, because the emulators schedule nothing. */
export const startSweeper = ({ functionsHost, projectId, region }: StackAddresses): Sweeper => {
  const url = `http://${functionsHost}/functions/projects/${projectId}/triggers/${region}-${TRIGGER}`;
  const stopping = new AbortController();
  const sweep = async (): Promise<void> => {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: '{}', signal });
    await answer.arrayBuffer();
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // One that fails is made up for by the next; one that is told to stop fails too.
      await setTimeout(SWEEP_EVERY_MS, undefined, stopping)
        .then(sweep)
        .catch(() => {});
    }
  };
  const running = run();
  return {
    stop: () => {
      stopping.abort();
      return running;
    },
  };
};
