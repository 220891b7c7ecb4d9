import type { NamedBreaker } from '@taleback/speech/src/diagnosis/index.ts';
import { CommandFailed } from './exit-code.ts';

/** The health server of a running worker. */
export interface WorkerClient {
  readonly url: string;
  /** Undefined when no worker runs there. @throws CommandFailed when something else does */
  readonly breakers: (signal?: AbortSignal) => Promise<readonly NamedBreaker[] | undefined>;
  /**
   * Services elsewhere that the worker waits for; undefined when no worker runs there.
   * @throws CommandFailed when something else does
   */
  readonly enginesAtWork: (signal?: AbortSignal) => Promise<readonly string[] | undefined>;
  /**
   * Closes the circuit breakers of an engine by hand, or of all.
   * @throws CommandFailed when there is no such engine, or no worker
   */
  readonly reset: (name: string | undefined) => Promise<void>;
}

/** A person waits. */
const TIMEOUT_MS = 5_000;
const ANYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::', '']);
const STATES: ReadonlySet<unknown> = new Set(['CLOSED', 'OPEN', 'HALF_OPEN', 'ISOLATED']);

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const listIn = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);

/** The address of the worker's health server; undefined when its port was left to chance. */
export const workerUrl = ({
  host,
  port,
}: {
  readonly host: string;
  readonly port: number;
}): string | undefined => {
  if (port === 0) return undefined;
  const named = ANYWHERE.has(host) ? '127.0.0.1' : host;
  return `http://${named.includes(':') ? `[${named}]` : named}:${port}`;
};

const breakerOf = (name: unknown, { breaker, consecutiveFailures }: Fields): NamedBreaker[] => {
  if (typeof name !== 'string' || !STATES.has(breaker)) return [];
  const state = breaker as NamedBreaker['state'];
  return [{ name, state, ...(typeof consecutiveFailures === 'number' ? { consecutiveFailures } : {}) }];
};

/**
 * The breakers in `/health/status`: those of the engines, each the worst of its processes, then those of the processes. A
 * service elsewhere is both, by one name.
 */
const breakersIn = (status: Fields): NamedBreaker[] => {
  const workers = listIn(status['workers']).flatMap((one) => breakerOf(one['id'], one));
  const engines = listIn(status['engines']).flatMap((one) => breakerOf(one['name'], one));
  return [...engines.filter(({ name }) => !workers.some((worker) => worker.name === name)), ...workers];
};

/** A service elsewhere is told as a process by its own name; processes of this machine have others. */
const atWorkIn = (status: Fields): string[] =>
  listIn(status['workers']).flatMap(({ id, inFlight }) =>
    typeof id === 'string' && typeof inFlight === 'number' && inFlight > 0 ? [id] : [],
  );

const isRefused = (error: unknown): boolean => {
  const cause = (error as { cause?: unknown }).cause;
  const codes = cause instanceof AggregateError ? (cause.errors as unknown[]) : [cause];
  return codes.some((one) => (one as { code?: unknown } | undefined)?.code === 'ECONNREFUSED');
};

const readJson = async (answer: Response): Promise<Fields> => {
  const body: unknown = await answer.json().catch(() => undefined);
  return isFields(body) ? body : {};
};

export const createWorkerClient = (url: string): WorkerClient => {
  const ask = async (path: string, init: RequestInit): Promise<Response | undefined> => {
    try {
      const limit = AbortSignal.timeout(TIMEOUT_MS);
      const signal = init.signal instanceof AbortSignal ? AbortSignal.any([init.signal, limit]) : limit;
      return await fetch(new URL(path, url), { ...init, redirect: 'error', signal });
    } catch (error) {
      if (isRefused(error)) return undefined;
      throw new CommandFailed(`The worker at ${url} does not answer: ${(error as Error).message}.`);
    }
  };
  const readStatus = async (signal: AbortSignal | undefined): Promise<Fields | undefined> => {
    const answer = await ask('/health/status', signal === undefined ? {} : { signal });
    if (answer === undefined) return undefined;
    const status = await readJson(answer);
    if (!answer.ok || !('workers' in status))
      throw new CommandFailed(`What answers at ${url} is no worker: it answered ${answer.status}.`);
    return status;
  };
  return {
    url,
    breakers: async (signal) => {
      const status = await readStatus(signal);
      return status === undefined ? undefined : breakersIn(status);
    },
    enginesAtWork: async (signal) => {
      const status = await readStatus(signal);
      return status === undefined ? undefined : atWorkIn(status);
    },
    reset: async (name) => {
      const answer = await ask('/breakers/reset', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(name === undefined ? {} : { name }),
      });
      if (answer === undefined) throw new CommandFailed(`No worker runs at ${url}.`);
      if (answer.ok) return;
      const { error } = await readJson(answer);
      throw new CommandFailed(typeof error === 'string' ? error : `It answered ${answer.status}.`);
    },
  };
};
