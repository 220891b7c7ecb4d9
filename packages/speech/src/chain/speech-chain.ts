import { TalebackError, toTalebackError } from '@taleback/core';
import { type Clock, systemClock } from '@taleback/resilience';
import type { AudioEncoder } from '../audio/index.ts';
import type { SpeechEngine } from '../engines/index.ts';
import {
  type ChainEngine,
  type ChainMember,
  type Narrate,
  type NarrationRequest,
  narrateWithFallbacks,
  planChain,
  type TtsManager,
} from '../manager/index.ts';
import {
  decideReadiness,
  describeStatus,
  type EnginePicture,
  type Log,
  type PoolSnapshot,
  type Readiness,
  type ServicePhase,
  type ServiceStatus,
  type SynthesisEvent,
  SynthesisStatistics,
} from '../status/index.ts';
import { describeEngine } from './describe-engine.ts';
import { mergePools } from './merge-pools.ts';
import { requireFit } from './require-fit.ts';

export interface SpeechChainOptions {
  /** In the order of preference, with unlike names. Their events are told to `record`. */
  readonly managers: readonly [TtsManager, ...TtsManager[]];
  /** Voices of one engine that are tried. @see seed 002, which has a pair */
  readonly mostVoices: number;
  readonly log: Log;
  readonly clock?: Clock | undefined;
}

/** What stands around every engine of a narrator, such as a cache. */
export interface Around {
  readonly engine?: ((engine: SpeechEngine) => SpeechEngine) | undefined;
  readonly narrate?: ((narrate: Narrate, engine: SpeechEngine) => Narrate) | undefined;
}

/** Until an engine that did not start is started again, ms. */
const START_AGAIN_MS = 30_000;
const DRAIN_MS = 10_000;

/** A service that has not answered could have voices that nobody knows yet. */
const memberOf = (manager: TtsManager): ChainMember => ({
  profile: manager.engine,
  mayHaveMoreVoices: () => manager.picture().pool?.workers.some(({ fault }) => fault !== undefined) ?? false,
});

/** Whether one of them comes to true; settles with the first that does. */
const anyOf = (ends: readonly Promise<boolean>[]): Promise<boolean> =>
  new Promise((resolve) => {
    for (const end of ends) {
      void end.then((isTrue) => {
        if (isTrue) resolve(true);
        return isTrue;
      });
    }
    void Promise.all(ends).then((all) => resolve(all.includes(true)));
  });

/** All engines of a worker: each with its queue, breakers and processes, and one in place of the other when it fails. */
export class SpeechChain {
  readonly #options: SpeechChainOptions;
  readonly #clock: Clock;
  readonly #statistics: SynthesisStatistics;
  /** Why an engine did not start, by its name. */
  readonly #faults = new Map<string, TalebackError>();
  readonly #timers = new Set<() => void>();
  #phase: ServicePhase = { kind: 'starting' };
  #ended: Promise<void> | undefined;

  constructor(options: SpeechChainOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#statistics = new SynthesisStatistics(this.#clock);
  }

  /** The engines in the order of preference. */
  get managers(): readonly TtsManager[] {
    return this.#options.managers;
  }

  /**
   * Starts every engine, and is done with the first that comes up: the others may load their models meanwhile. One that does
   * not come up is tried again now and then.
   *
   * @throws TalebackError of the first engine when none comes up
   */
  async initialize(): Promise<void> {
    const isUp = await anyOf(this.managers.map((manager) => this.#start(manager)));
    if (!isUp) {
      throw (
        this.#faults.get(this.managers[0]?.engine.name ?? '') ??
        new TalebackError('model_loading_failed', 'No engine came up.')
      );
    }
    if (this.#phase.kind === 'starting') this.#phase = { kind: 'running' };
  }

  /** @returns whether it came up */
  async #start(manager: TtsManager): Promise<boolean> {
    const { name } = manager.engine;
    try {
      await manager.initialize();
      this.#faults.delete(name);
      return true;
    } catch (thrown) {
      const error = toTalebackError(thrown);
      this.#faults.set(name, error);
      if (this.#phase.kind === 'stopping') return false;
      this.#options.log('error', 'an engine did not start', {
        engine: name,
        code: error.code,
        details: error.details,
      });
      this.#startLater(manager);
      return false;
    }
  }

  #startLater(manager: TtsManager): void {
    const stop = this.#clock.setTimer(() => {
      this.#timers.delete(stop);
      void this.#start(manager);
    }, START_AGAIN_MS);
    this.#timers.add(stop);
  }

  /** Narration by the first engine that can, into files of the encoder. */
  narrator(encoder: AudioEncoder, around: Around = {}): Narrate {
    const { managers, mostVoices, log } = this.#options;
    const engines = managers.map((manager): ChainEngine => {
      const speak = manager.narrator(encoder, around.engine);
      const narrate: Narrate = async (request, options) => {
        requireFit(this.#describe(manager));
        return speak(request, options);
      };
      return { ...memberOf(manager), narrate: around.narrate?.(narrate, manager.engine) ?? narrate };
    });
    return narrateWithFallbacks({ engines, mostVoices, log });
  }

  /**
   * Names of the engines that can speak so, whether they are there at the moment or not.
   *
   * @throws TalebackError see `planChain`
   */
  ableEngines(need: Omit<NarrationRequest, 'text'>): readonly string[] {
    const members = this.managers.map((manager) => memberOf(manager));
    return planChain(members, { ...need, text: '' }, 1).map(({ engine }) => engine.profile.name);
  }

  engines(): readonly EnginePicture[] {
    return this.managers.map((manager) => this.#describe(manager));
  }

  #describe(manager: TtsManager): EnginePicture {
    const { engine } = manager;
    return describeEngine(engine, manager.picture().pool, this.#faults.get(engine.name));
  }

  /** @returns false when there is no engine of this name */
  resetBreakers(name?: string): boolean {
    const meant = this.managers.filter((manager) => name === undefined || manager.engine.name === name);
    for (const manager of meant) manager.resetBreakers();
    return meant.length > 0;
  }

  pool(): PoolSnapshot | undefined {
    return mergePools(
      this.managers.flatMap((manager) => {
        const { pool } = manager.picture();
        return pool === undefined ? [] : [{ engine: manager.engine.name, pool }];
      }),
    );
  }

  /** How it stands, without the figures. */
  picture() {
    const { protection, machine } = this.managers[0]?.picture() ?? {
      protection: { active: false },
      machine: {},
    };
    return { phase: this.#phase, protection, machine, pool: this.pool() };
  }

  readiness(): Readiness {
    return this.#withFaults(decideReadiness(this.picture()));
  }

  status(): ServiceStatus {
    const status = describeStatus({
      ...this.picture(),
      summary: this.#statistics.summary(),
      nowMs: this.#clock.now(),
    });
    return { ...this.#withFaults(status), engines: this.engines() };
  }

  /** An engine that did not start has no workers whose troubles could be told. */
  #withFaults<Told extends Readiness>(told: Told): Told {
    if (this.#faults.size === 0 || !told.ready) return told;
    const faults = [...this.#faults].map(([name, { message }]) => `${name} did not start: ${message}`);
    return { ...told, state: 'degraded', reasons: [...told.reasons, ...faults] };
  }

  /** Takes an event of one of its managers, or of the process, into the figures. */
  readonly record = (event: SynthesisEvent): void => this.#statistics.record(event);

  /** From now on it says that it is stopping; what is under way goes on until `shutdown`. */
  announceStop(): void {
    if (this.#phase.kind !== 'stopping') this.#phase = { kind: 'stopping', sinceMs: this.#clock.now() };
    for (const manager of this.managers) manager.announceStop();
  }

  shutdown(drainMs: number = DRAIN_MS): Promise<void> {
    this.announceStop();
    for (const stop of this.#timers) stop();
    this.#ended ??= this.#end(drainMs);
    return this.#ended;
  }

  async #end(drainMs: number): Promise<void> {
    await Promise.all(this.managers.map((manager) => manager.shutdown(drainMs)));
  }
}
