import { cancellationOf } from '../engines/index.ts';

/** Says something to one of those who wait. */
export type Tell<Watcher> = (news: (watcher: Watcher) => void) => void;

export interface FlightCall<Value, Watcher> {
  /** Does the work, for all who ask for it meanwhile. The signal aborts when nobody waits any more. */
  readonly begin: (signal: AbortSignal, tell: Tell<Watcher>) => Promise<Value>;
  readonly signal: AbortSignal | undefined;
  readonly watcher: Watcher;
}

interface Passenger<Value, Watcher> {
  readonly watcher: Watcher;
  readonly land: (value: Value) => void;
  readonly fail: (error: unknown) => void;
}

interface Flight<Value, Watcher> {
  readonly controller: AbortController;
  readonly passengers: Set<Passenger<Value, Watcher>>;
  /** All that was said so far: who joins late hears it from the beginning. */
  readonly news: ((watcher: Watcher) => void)[];
}

/**
 * Work that several ask for at the same time is done once. It takes the priority and the turn of who asked first.
 *
 * Whoever aborts leaves the others their work; when the last one leaves, the work is aborted, and who asks after that
 * begins anew. An error reaches all who wait; nothing is remembered of it.
 */
export class SingleFlight<Value, Watcher = undefined> {
  readonly #copy: (value: Value) => Value;
  readonly #flights = new Map<string, Flight<Value, Watcher>>();

  /** @param copy makes another one of a result, so that each who waits owns theirs */
  constructor(copy: (value: Value) => Value) {
    this.#copy = copy;
  }

  /** @throws what the work throws, what the watcher throws, and `cancellationOf` the signal */
  join(name: string, { begin, signal, watcher }: FlightCall<Value, Watcher>): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(cancellationOf(signal));
        return;
      }
      const underWay = this.#flights.get(name);
      const flight = underWay ?? this.#open(name);
      const onAbort = (): void => {
        if (signal !== undefined) this.#leave(name, flight, passenger, cancellationOf(signal));
      };
      const passenger: Passenger<Value, Watcher> = {
        watcher,
        land: (value) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(value);
        },
        fail: (error) => {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      flight.passengers.add(passenger);
      signal?.addEventListener('abort', onAbort, { once: true });
      for (const news of flight.news) this.#tell(name, flight, passenger, news);
      // Last: work that fails at once must find somebody to tell.
      if (underWay === undefined) void this.#fly(name, flight, begin);
    });
  }

  #open(name: string): Flight<Value, Watcher> {
    const flight: Flight<Value, Watcher> = {
      controller: new AbortController(),
      passengers: new Set(),
      news: [],
    };
    this.#flights.set(name, flight);
    return flight;
  }

  async #fly(
    name: string,
    flight: Flight<Value, Watcher>,
    begin: FlightCall<Value, Watcher>['begin'],
  ): Promise<void> {
    const tell: Tell<Watcher> = (news) => {
      flight.news.push(news);
      for (const passenger of flight.passengers) this.#tell(name, flight, passenger, news);
    };
    try {
      const value = await begin(flight.controller.signal, tell);
      this.#end(name, flight);
      const [first, ...others] = flight.passengers;
      // Before the first one has it, and may change it.
      for (const passenger of others) passenger.land(this.#copy(value));
      first?.land(value);
    } catch (error) {
      this.#end(name, flight);
      for (const passenger of flight.passengers) passenger.fail(error);
    }
  }

  #tell(
    name: string,
    flight: Flight<Value, Watcher>,
    passenger: Passenger<Value, Watcher>,
    news: (watcher: Watcher) => void,
  ): void {
    if (!flight.passengers.has(passenger)) return;
    try {
      news(passenger.watcher);
    } catch (error) {
      // It is that one's own fault, and no reason for the others to fail.
      this.#leave(name, flight, passenger, error);
    }
  }

  #leave(
    name: string,
    flight: Flight<Value, Watcher>,
    passenger: Passenger<Value, Watcher>,
    reason: unknown,
  ): void {
    passenger.fail(reason);
    flight.passengers.delete(passenger);
    if (flight.passengers.size > 0) return;
    this.#end(name, flight);
    flight.controller.abort(reason);
  }

  #end(name: string, flight: Flight<Value, Watcher>): void {
    if (this.#flights.get(name) === flight) this.#flights.delete(name);
  }
}
