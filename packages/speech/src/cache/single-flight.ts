import { cancellationOf } from '../cancellation.ts';

/** Notifies every caller that waits for a flight, and each that joins later. */
export type Notify<Watcher> = (event: (watcher: Watcher) => void) => void;

export interface FlightCall<Value, Watcher> {
  /** Does the work for all callers. The signal aborts when the last of them has left. */
  readonly begin: (signal: AbortSignal, notify: Notify<Watcher>) => Promise<Value>;
  readonly signal: AbortSignal | undefined;
  readonly watcher: Watcher;
}

interface Caller<Value, Watcher> extends PromiseWithResolvers<Value> {
  readonly watcher: Watcher;
}

interface Flight<Value, Watcher> {
  readonly name: string;
  readonly controller: AbortController;
  readonly callers: Set<Caller<Value, Watcher>>;
  /** All events so far, for callers that join later. */
  readonly events: ((watcher: Watcher) => void)[];
}

/**
 * Does work once that several callers ask for at the same time. It has the priority of the first.
 *
 * A caller that aborts leaves the others their work; when the last one leaves, the work is aborted, and a later caller
 * starts it again. An error reaches all callers and is not remembered.
 */
export class SingleFlight<Value, Watcher = undefined> {
  readonly #copy: (value: Value) => Value;
  readonly #flights = new Map<string, Flight<Value, Watcher>>();

  /** @param copy makes another one of a result, so that each caller owns theirs */
  constructor(copy: (value: Value) => Value) {
    this.#copy = copy;
  }

  /** @throws what the work throws, what the watcher throws, and `cancellationOf` the signal */
  async join(name: string, { begin, signal, watcher }: FlightCall<Value, Watcher>): Promise<Value> {
    if (signal?.aborted === true) throw cancellationOf(signal);
    const underWay = this.#flights.get(name);
    const flight = underWay ?? { name, controller: new AbortController(), callers: new Set(), events: [] };
    const caller = { watcher, ...Promise.withResolvers<Value>() };
    const onAbort = (): void => this.#leave(flight, caller, signal && cancellationOf(signal));
    this.#flights.set(name, flight);
    flight.callers.add(caller);
    signal?.addEventListener('abort', onAbort, { once: true });
    for (const event of flight.events) this.#notify(flight, caller, event);
    // Last: work that fails at once must find its caller.
    if (underWay === undefined) void this.#run(flight, begin);
    try {
      return await caller.promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async #run(flight: Flight<Value, Watcher>, begin: FlightCall<Value, Watcher>['begin']): Promise<void> {
    const { controller, callers, events } = flight;
    try {
      const value = await begin(controller.signal, (event) => {
        events.push(event);
        for (const caller of callers) this.#notify(flight, caller, event);
      });
      this.#end(flight);
      const [first, ...others] = callers;
      // Before the first one has it, and may change it.
      for (const caller of others) caller.resolve(this.#copy(value));
      first?.resolve(value);
    } catch (error) {
      this.#end(flight);
      for (const caller of callers) caller.reject(error);
    }
  }

  #notify(
    flight: Flight<Value, Watcher>,
    caller: Caller<Value, Watcher>,
    event: (watcher: Watcher) => void,
  ): void {
    if (!flight.callers.has(caller)) return;
    try {
      event(caller.watcher);
    } catch (error) {
      // The fault of this caller's watcher is no reason for the others to fail.
      this.#leave(flight, caller, error);
    }
  }

  #leave(flight: Flight<Value, Watcher>, caller: Caller<Value, Watcher>, reason: unknown): void {
    caller.reject(reason);
    flight.callers.delete(caller);
    if (flight.callers.size > 0) return;
    this.#end(flight);
    flight.controller.abort(reason);
  }

  #end(flight: Flight<Value, Watcher>): void {
    if (this.#flights.get(flight.name) === flight) this.#flights.delete(flight.name);
  }
}
