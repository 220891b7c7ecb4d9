import type { HostedPlugin } from '@taleback/speech';

/** Where a request stands on its way into the worker. Times are of the clock that all processes share. */
interface Way {
  readonly calledAtNs: bigint;
  readonly cpuBefore: NodeJS.CpuUsage;
  /** Fewer requests were under way than there are workers. */
  readonly foundFreeWorker: boolean;
  returnedAtNs?: bigint;
}

/** Milliseconds, of each request. */
const noTimes = () => ({
  /**
   * Until the line was written, waiting for a free worker included. It was when the write returned, and it was when the
   * worker's engine had the text, whichever came first: a worker that wakes up on the same core lets this process go on
   * only after it has begun to speak.
   */
  allMs: [] as number[],
  /** The same, of those that had not to wait. */
  freeMs: [] as number[],
  /** Of those, until the worker's engine had the text. */
  heardMs: [] as number[],
  /** Of those, processor time of this process. */
  cpuMs: [] as number[],
});
export type RoutingTimes = ReturnType<typeof noTimes>;

const sinceMs = (fromNs: bigint, toNs: bigint): number => Number(toNs - fromNs) / 1e6;

/** Sees how long requests take from the call into the manager until they are in a worker. */
export class RoutingWatch {
  #times = noTimes();
  readonly #workers: number;
  readonly #ways = new Map<string, Way>();
  #underWay = 0;

  constructor(workers: number) {
    this.#workers = workers;
  }

  /** The same plugin, watched. */
  watch(plugin: HostedPlugin): HostedPlugin {
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
    const heardMs = sinceMs(way.calledAtNs, BigInt(atNs));
    const returnedMs = way.returnedAtNs === undefined ? heardMs : sinceMs(way.calledAtNs, way.returnedAtNs);
    const writtenMs = Math.min(heardMs, returnedMs);
    this.#times.allMs.push(writtenMs);
    if (!way.foundFreeWorker) return;
    this.#times.freeMs.push(writtenMs);
    this.#times.heardMs.push(heardMs);
  }

  /** What was seen since the last time. */
  take(): RoutingTimes {
    const times = this.#times;
    this.#times = noTimes();
    return times;
  }

  #written(text: string): void {
    const way = this.#ways.get(text);
    if (way === undefined) return;
    way.returnedAtNs = process.hrtime.bigint();
    if (!way.foundFreeWorker) return;
    const { user, system } = process.cpuUsage(way.cpuBefore);
    this.#times.cpuMs.push((user + system) / 1_000);
  }
}
