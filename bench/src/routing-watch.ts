import type { EnginePlugin } from '@taleback/worker';

/** Where a request stands on its way into the worker. Times are of the clock that all processes share. */
interface Way {
  readonly calledAtNs: bigint;
  readonly cpuBefore: NodeJS.CpuUsage;
  /** Fewer requests were under way than there are workers. */
  readonly foundFreeWorker: boolean;
}

/** Milliseconds, of each request. */
export interface RoutingTimes {
  /** Until the worker's engine has it, waiting for a free worker included. */
  readonly allMs: readonly number[];
  /** The same, of those that had not to wait. */
  readonly freeMs: readonly number[];
  /**
   * Of those, until the line was written as this process sees it: when the worker wakes up on the same core, this
   * process only goes on after it.
   */
  readonly returnedMs: readonly number[];
  /** Of those, processor time of this process. */
  readonly cpuMs: readonly number[];
}

const sinceMs = (fromNs: bigint, toNs: bigint): number => Number(toNs - fromNs) / 1e6;

/** Sees how long requests take from the call into the manager until they are in a worker. */
export class RoutingWatch {
  #times = {
    allMs: [] as number[],
    freeMs: [] as number[],
    returnedMs: [] as number[],
    cpuMs: [] as number[],
  };
  readonly #workers: number;
  readonly #ways = new Map<string, Way>();
  #underWay = 0;

  constructor(workers: number) {
    this.#workers = workers;
  }

  /** The same plugin, watched. */
  watch(plugin: EnginePlugin): EnginePlugin {
    return {
      ...plugin,
      openChild: (workerId, events) => {
        const child = plugin.openChild(workerId, {
          ...events,
          onSpoken: (correlationId, sound) => {
            this.#underWay -= 1;
            events.onSpoken(correlationId, sound);
          },
          onFailed: (correlationId, error) => {
            this.#underWay -= 1;
            events.onFailed(correlationId, error);
          },
        });
        const speak = child.speak.bind(child);
        child.speak = (call) => {
          speak(call);
          this.#written(call.request.text);
        };
        return child;
      },
    };
  }

  /** To be said right before the manager is called with a text that no other request has. */
  calling(text: string): void {
    const foundFreeWorker = this.#underWay < this.#workers;
    this.#underWay += 1;
    const cpuBefore = process.cpuUsage();
    this.#ways.set(text, { cpuBefore, calledAtNs: process.hrtime.bigint(), foundFreeWorker });
  }

  /** A line that a worker wrote: `<nanoseconds> <text>` says when its engine had the text. */
  heard(line: string): void {
    const [, atNs, text] = /^(\d+) (.*)$/su.exec(line) ?? [];
    const way = text === undefined ? undefined : this.#ways.get(text);
    if (atNs === undefined || text === undefined || way === undefined) return;
    this.#ways.delete(text);
    const elapsedMs = sinceMs(way.calledAtNs, BigInt(atNs));
    this.#times.allMs.push(elapsedMs);
    if (way.foundFreeWorker) this.#times.freeMs.push(elapsedMs);
  }

  /** What was seen since the last time. */
  take(): RoutingTimes {
    const times = this.#times;
    this.#times = { allMs: [], freeMs: [], returnedMs: [], cpuMs: [] };
    return times;
  }

  #written(text: string): void {
    const way = this.#ways.get(text);
    if (way?.foundFreeWorker !== true) return;
    const { user, system } = process.cpuUsage(way.cpuBefore);
    this.#times.returnedMs.push(sinceMs(way.calledAtNs, process.hrtime.bigint()));
    this.#times.cpuMs.push((user + system) / 1_000);
  }
}
