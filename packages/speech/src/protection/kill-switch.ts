import { type Clock, systemClock } from '@taleback/resilience';
import type { ControlFile } from './control-file.ts';
import { readSetting } from './control-setting.ts';
import { Listeners } from './listeners.ts';

/** The key, in the environment and in the control file. seed 003: DJ_PROVIDER, of a system that speaks as a DJ. */
export const KILL_SWITCH_KEY = 'TTS_PROVIDER';

/** seed 003: set to "disabled". */
const DISABLED = 'disabled';

/** A process that is busy would look hundreds of times a second; an operator's word may take one second. */
const LOOK_EVERY_MS = 1_000;

export interface KillSwitchOptions {
  /** `TTS_PROVIDER` of the environment. Default: nothing, which enables. */
  readonly ttsProvider?: string | undefined;
}

export interface KillSwitchParts {
  /** Default: none. */
  readonly controlFile?: ControlFile | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

export interface KillSwitchStatus {
  readonly disabled: boolean;
  /** Who had the last word. */
  readonly source: 'environment' | 'control-file';
}

export type KillSwitchChange =
  | ({ readonly kind: 'switched' } & KillSwitchStatus)
  /** The control file cannot be read; its last known value stands. Told once until it can be read again. */
  | { readonly kind: 'unreadable'; readonly cause: string };

const isDisabled = (value: string | undefined): boolean => value?.trim().toLowerCase() === DISABLED;

/**
 * `TTS_PROVIDER=disabled` switches synthesis off, any other value switches it on. What the control file says goes over
 * what the environment says, and may change at any time: it is looked at on use, at most once a second.
 */
export class KillSwitch {
  readonly #environment: string | undefined;
  readonly #file: ControlFile | undefined;
  readonly #clock: Clock;
  readonly #listeners = new Listeners<KillSwitchChange>();
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #stamp: string | undefined;
  #fileValue: string | undefined;
  #isUnreadable = false;
  /** What was told last; a switch that nobody touched is on. */
  #toldDisabled = false;

  constructor(options: KillSwitchOptions, { controlFile, clock = systemClock }: KillSwitchParts = {}) {
    this.#environment = options.ttsProvider;
    this.#file = controlFile;
    this.#clock = clock;
  }

  status(): KillSwitchStatus {
    this.#look();
    const status: KillSwitchStatus =
      this.#fileValue === undefined
        ? { disabled: isDisabled(this.#environment), source: 'environment' }
        : { disabled: isDisabled(this.#fileValue), source: 'control-file' };
    if (status.disabled !== this.#toldDisabled) {
      this.#toldDisabled = status.disabled;
      this.#listeners.tell({ kind: 'switched', ...status });
    }
    return status;
  }

  /**
   * Calls `listener` when a change is noticed, which is on use.
   *
   * @returns a function that ends it
   */
  onChange(listener: (change: KillSwitchChange) => void): () => void {
    return this.#listeners.add(listener);
  }

  #look(): void {
    const nowMs = this.#clock.now();
    if (this.#file === undefined || nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return;
    this.#lookedAtMs = nowMs;
    const answer = this.#file.read(this.#stamp);
    const wasUnreadable = this.#isUnreadable;
    this.#isUnreadable = answer.kind === 'unreadable';
    switch (answer.kind) {
      case 'missing':
        this.#stamp = undefined;
        this.#fileValue = undefined;
        return;
      case 'text':
        this.#stamp = answer.stamp;
        this.#fileValue = readSetting(answer.text, KILL_SWITCH_KEY);
        return;
      case 'unreadable':
        if (!wasUnreadable) this.#listeners.tell({ kind: 'unreadable', cause: answer.cause });
        return;
      case 'unchanged':
    }
  }
}
