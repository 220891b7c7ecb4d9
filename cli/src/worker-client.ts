import { isRecord } from '@taleback/core';
import { z } from 'zod';
import { CommandFailed } from './exit-code.ts';

const STATE = z.enum(['CLOSED', 'OPEN', 'HALF_OPEN', 'ISOLATED']);
const count = z.number().optional().catch(undefined);
const FAILURE = z.object({ code: z.string(), message: z.string(), atMs: z.number() });
const name = z.string().optional().catch(undefined);
const MEMBER = z.looseObject({
  id: name,
  name,
  breaker: STATE.optional().catch(undefined),
  consecutiveFailures: count,
  retryAtMs: count,
  lastFailure: FAILURE.optional().catch(undefined),
  lastSuccessAtMs: count,
  inFlight: count,
});
const STREAM = z.looseObject({ open: z.boolean(), reason: z.string().optional() });

/** `/health/status`, as far as it is read here. What is not understood is left out. */
const STATUS = z.object({
  workers: z.array(MEMBER).catch([]),
  engines: z.array(MEMBER).catch([]),
  streams: z.record(z.string(), STREAM).catch({}),
});

/** A circuit breaker of the running worker. Times are epoch milliseconds. */
export interface NamedBreaker
  extends Pick<
    z.infer<typeof MEMBER>,
    'consecutiveFailures' | 'retryAtMs' | 'lastFailure' | 'lastSuccessAtMs'
  > {
  readonly name: string;
  readonly state: z.infer<typeof STATE>;
}

/** A person waits. A signal has a time of its own. */
const TIMEOUT_MS = 5_000;
const ANYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::', '']);

/** The address of the worker's health server; undefined when its port was left to chance. */
export const workerUrl = (health: { readonly host: string; readonly port: number }): string | undefined => {
  if (health.port === 0) return undefined;
  const host = ANYWHERE.has(health.host) ? '127.0.0.1' : health.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${health.port}`;
};

const namedBreakers = (
  label: 'id' | 'name',
  members: readonly z.infer<typeof MEMBER>[],
): readonly NamedBreaker[] =>
  members.flatMap(({ [label]: named, breaker: state, ...member }) => {
    if (named === undefined || state === undefined) return [];
    const { consecutiveFailures, retryAtMs, lastFailure, lastSuccessAtMs } = member;
    return [{ name: named, state, consecutiveFailures, retryAtMs, lastFailure, lastSuccessAtMs }];
  });

const isRefused = (error: unknown): boolean => {
  const { cause } = error as { cause?: unknown };
  const causes = cause instanceof AggregateError ? (cause.errors as unknown[]) : [cause];
  return causes.some((one) => isRecord(one) && one['code'] === 'ECONNREFUSED');
};

/**
 * The health server of a running worker. Everything throws CommandFailed when something else answers there.
 *
 * @param token what a change of the worker's state needs
 */
export const createWorkerClient = (url: string, token?: string) => {
  /** Undefined when no worker runs there. */
  const request = async (path: string, init: RequestInit = {}): Promise<Response | undefined> => {
    try {
      const signal = init.signal ?? AbortSignal.timeout(TIMEOUT_MS);
      return await fetch(new URL(path, url), { ...init, redirect: 'error', signal });
    } catch (error) {
      if (isRefused(error)) return undefined;
      throw new CommandFailed(`The worker at ${url} does not answer: ${(error as Error).message}.`);
    }
  };
  const readStatus = async (signal?: AbortSignal): Promise<z.infer<typeof STATUS> | undefined> => {
    const answer = await request('/health/status', { signal: signal ?? null });
    if (answer === undefined) return undefined;
    const body: unknown = await answer.json().catch(() => undefined);
    if (answer.ok && isRecord(body) && 'workers' in body) return STATUS.parse(body);
    throw new CommandFailed(`What answers at ${url} is no worker: it answered ${answer.status}.`);
  };
  const change = (path: string, name?: string, signal?: AbortSignal): Promise<Response | undefined> =>
    request(path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ name }),
      signal: signal ?? null,
    });
  return {
    url,
    /**
     * The breakers of the engines, each the worst of its processes, then those of the processes; undefined when no worker
     * runs there. A service elsewhere is both, by one name.
     */
    breakers: async (signal?: AbortSignal): Promise<readonly NamedBreaker[] | undefined> => {
      const status = await readStatus(signal);
      if (status === undefined) return undefined;
      const ofWorkers = namedBreakers('id', status.workers);
      const known = new Set(ofWorkers.map((one) => one.name));
      return [...namedBreakers('name', status.engines).filter((one) => !known.has(one.name)), ...ofWorkers];
    },
    /** The worker's background streams by name: `jobs`, `heartbeat`; undefined when no worker runs there. */
    streams: async (signal?: AbortSignal) => (await readStatus(signal))?.streams,
    /** Services elsewhere that the worker waits for; undefined when no worker runs there. */
    enginesAtWork: async (signal?: AbortSignal): Promise<readonly string[] | undefined> => {
      // A service elsewhere is listed as a process by its own name; processes of this machine have others.
      const busy = (await readStatus(signal))?.workers.filter(({ inFlight = 0 }) => inFlight > 0);
      return busy?.flatMap(({ id }) => (id === undefined ? [] : [id]));
    },
    /** Lets the worker speak a word by each of these services, which their breakers count. An earlier worker does not. */
    testServices: async (engines: readonly string[], signal: AbortSignal): Promise<void> => {
      await Promise.all(engines.map((engine) => change('/breakers/test', engine, signal)));
    },
    /** Closes the circuit breakers of an engine, or of all. @throws CommandFailed also when there is no such engine */
    reset: async (engine: string | undefined): Promise<void> => {
      const answer = await change('/breakers/reset', engine);
      if (answer === undefined) throw new CommandFailed(`No worker runs at ${url}.`);
      if (answer.ok) return;
      const body: unknown = await answer.json().catch(() => undefined);
      const error = isRecord(body) ? body['error'] : undefined;
      throw new CommandFailed(typeof error === 'string' ? error : `It answered ${answer.status}.`);
    },
  };
};
