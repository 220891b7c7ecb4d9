import { isRecord } from '@taleback/core';
import { z } from 'zod';
import { CommandFailed } from './exit-code.ts';

const STATE = z.enum(['CLOSED', 'OPEN', 'HALF_OPEN', 'ISOLATED']);
const count = z.number().optional().catch(undefined);
const name = z.string().optional().catch(undefined);
const state = STATE.optional().catch(undefined);
const members = <T extends z.ZodType>(of: T) => z.array(of).catch([]);

/** `/health/status`, as far as it is read here. What is not understood is left out. */
const STATUS = z.object({
  workers: members(z.looseObject({ id: name, breaker: state, consecutiveFailures: count, inFlight: count })),
  engines: members(z.looseObject({ name, breaker: state, consecutiveFailures: count })).optional(),
});
type WorkerStatus = z.infer<typeof STATUS>;

/** A circuit breaker of the running worker. */
export interface NamedBreaker {
  readonly name: string;
  readonly state: z.infer<typeof STATE>;
  readonly consecutiveFailures?: number;
}

/** The health server of a running worker. Its methods throw CommandFailed when something else answers there. */
export interface WorkerClient {
  readonly url: string;
  /** Undefined when no worker runs there. */
  readonly breakers: (signal?: AbortSignal) => Promise<readonly NamedBreaker[] | undefined>;
  /** Services elsewhere that the worker waits for; undefined when no worker runs there. */
  readonly enginesAtWork: (signal?: AbortSignal) => Promise<readonly string[] | undefined>;
  /** Closes the circuit breakers of an engine, or of all. @throws CommandFailed also when there is no such engine */
  readonly reset: (name: string | undefined) => Promise<void>;
}

/** A person waits. */
const TIMEOUT_MS = 5_000;
const ANYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::', '']);

/** The address of the worker's health server; undefined when its port was left to chance. */
export const workerUrl = (health: { readonly host: string; readonly port: number }): string | undefined => {
  if (health.port === 0) return undefined;
  const host = ANYWHERE.has(health.host) ? '127.0.0.1' : health.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${health.port}`;
};

const namedBreaker = (
  label: string | undefined,
  {
    breaker,
    consecutiveFailures,
  }: {
    readonly breaker?: NamedBreaker['state'] | undefined;
    readonly consecutiveFailures?: number | undefined;
  },
): NamedBreaker[] => {
  if (label === undefined || breaker === undefined) return [];
  return [
    { name: label, state: breaker, ...(consecutiveFailures === undefined ? {} : { consecutiveFailures }) },
  ];
};

/**
 * The breakers of the engines, each the worst of its processes, then those of the processes. A service elsewhere is both,
 * by one name.
 */
const breakersIn = ({ workers, engines = [] }: WorkerStatus): NamedBreaker[] => {
  const ofWorkers = workers.flatMap((one) => namedBreaker(one.id, one));
  const ofEngines = engines.flatMap((one) => namedBreaker(one.name, one));
  return [...ofEngines.filter((one) => !ofWorkers.some((other) => other.name === one.name)), ...ofWorkers];
};

const isRefused = (error: unknown): boolean => {
  const { cause } = error as { cause?: unknown };
  const causes = cause instanceof AggregateError ? (cause.errors as unknown[]) : [cause];
  return causes.some((one) => isRecord(one) && one['code'] === 'ECONNREFUSED');
};

/** The client of the worker whose health server has this address. */
export const createWorkerClient = (url: string): WorkerClient => {
  const request = async (path: string, init: RequestInit): Promise<Response | undefined> => {
    try {
      const limit = AbortSignal.timeout(TIMEOUT_MS);
      const signal = init.signal instanceof AbortSignal ? AbortSignal.any([init.signal, limit]) : limit;
      return await fetch(new URL(path, url), { ...init, redirect: 'error', signal });
    } catch (error) {
      if (isRefused(error)) return undefined;
      throw new CommandFailed(`The worker at ${url} does not answer: ${(error as Error).message}.`);
    }
  };
  const readStatus = async (signal: AbortSignal | undefined): Promise<WorkerStatus | undefined> => {
    const answer = await request('/health/status', signal === undefined ? {} : { signal });
    if (answer === undefined) return undefined;
    const body: unknown = await answer.json().catch(() => undefined);
    if (answer.ok && isRecord(body) && 'workers' in body) return STATUS.parse(body);
    throw new CommandFailed(`What answers at ${url} is no worker: it answered ${answer.status}.`);
  };
  return {
    url,
    breakers: async (signal) => {
      const status = await readStatus(signal);
      return status && breakersIn(status);
    },
    enginesAtWork: async (signal) => {
      // A service elsewhere is listed as a process by its own name; processes of this machine have others.
      const busy = (await readStatus(signal))?.workers.filter(({ inFlight = 0 }) => inFlight > 0);
      return busy?.flatMap(({ id }) => (id === undefined ? [] : [id]));
    },
    reset: async (engine) => {
      const answer = await request('/breakers/reset', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(engine === undefined ? {} : { name: engine }),
      });
      if (answer === undefined) throw new CommandFailed(`No worker runs at ${url}.`);
      if (answer.ok) return;
      const body: unknown = await answer.json().catch(() => undefined);
      const error = isRecord(body) ? body['error'] : undefined;
      throw new CommandFailed(typeof error === 'string' ? error : `It answered ${answer.status}.`);
    },
  };
};
