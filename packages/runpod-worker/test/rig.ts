import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFakeClock, type FakeClock } from '@taleback/resilience/testing';
import { vi } from 'vitest';
import {
  type RunpodHandler,
  type ServeRunpodOptions,
  type ServingRunpod,
  serveRunpod,
} from '../src/index.ts';
import { Simulator } from './simulator.ts';

/** A worker over real HTTP and a real folder, with time that a test moves. */
export interface Rig {
  readonly clock: FakeClock;
  readonly simulator: Simulator;
  readonly folder: string;
  readonly logged: string[];
  /** Jobs whose handler was called. */
  readonly begun: string[];
  serve(handler: RunpodHandler, options?: ServeRunpodOptions): ServingRunpod;
  /** Waits, in real time, for what the worker does on its own. */
  until(assertion: () => void): Promise<void>;
  /** Moves time, and lets what that sets off arrive. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Turns of the event loop within which a call over loopback comes, when it comes: on a busy machine they take longer. */
const TURNS = 20;

const quiet = async (): Promise<void> => {
  for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
};

export const openRig = async (): Promise<Rig> => {
  const clock = createFakeClock(1_000_000);
  const startMs = clock.now();
  const simulator = await new Simulator({ now: () => clock.now() - startMs }).open();
  const folder = await mkdtemp(join(tmpdir(), 'taleback-runpod-'));
  const logged: string[] = [];
  const begun: string[] = [];
  const workers: ServingRunpod[] = [];
  return {
    clock,
    simulator,
    folder,
    logged,
    begun,
    serve: (handler, options = {}) => {
      const counted: RunpodHandler = (job, context) => {
        begun.push(job.id);
        return handler(job, context);
      };
      const worker = serveRunpod(counted, {
        env: simulator.env(),
        outboxFolder: folder,
        stopOn: [],
        clock,
        random: () => 0,
        log: (severity, message, fields) =>
          void logged.push(`${severity}: ${message} ${JSON.stringify(fields ?? {})}`),
        ...options,
      });
      workers.push(worker);
      return worker;
    },
    until: (assertion) => vi.waitFor(assertion, { timeout: 120_000, interval: 2 }),
    pass: async (ms) => {
      await quiet();
      await clock.advanceAsync(ms);
      await quiet();
    },
    close: async () => {
      const passing = setInterval(() => clock.advance(1_000), 1);
      await Promise.all(workers.map((worker) => worker.stop(0)));
      clearInterval(passing);
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
