import { type Clock, systemClock } from '@taleback/resilience';

/** The key, in the environment and in the control file. @see docs/origins.md#kill-switch */
export const KILL_SWITCH_KEY = 'TTS_PROVIDER';
const DISABLED = 'disabled';
/** A busy process would look hundreds of times a second; an operator's command may take one second. */
const LOOK_INTERVAL_MS = 1_000;

/** What the control file is now, compared with the version that is known already. */
export type ControlFileAnswer =
  | { readonly kind: 'missing' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'text'; readonly text: string; readonly stamp: string }
  | { readonly kind: 'unreadable'; readonly cause: string };

/** A small file through which an operator controls a running worker. */
export interface ControlFile {
  /** How operators know it. */
  readonly name: string;
  /** Looks at the file, and reads it unless its stamp is the known one. Never throws. */
  read(knownStamp: string | undefined): ControlFileAnswer;
}

export interface KillSwitchOptions {
  /** `TTS_PROVIDER` of the environment. Default: empty, which enables. */
  readonly ttsProvider?: string | undefined;
}

export interface KillSwitchParts {
  /** Default: none. */
  readonly controlFile?: ControlFile | undefined;
  /** Called when a change is noticed, which is on use. */
  readonly onChange?: ((change: KillSwitchChange) => void) | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

export interface KillSwitchStatus {
  readonly disabled: boolean;
  /** Which of the two decided. */
  readonly source: 'environment' | 'control-file';
}

export type KillSwitchChange =
  | ({ readonly kind: 'switched' } & KillSwitchStatus)
  /** The control file cannot be read; its last known value stands. Reported once until it can be read again. */
  | { readonly kind: 'unreadable'; readonly cause: string };

const isDisabled = (value: string | undefined): boolean => value?.trim().toLowerCase() === DISABLED;

/**
 * `TTS_PROVIDER=disabled` switches synthesis off, any other value switches it on. The control file goes before the
 * environment and may change at any time: it is looked at on use, at most once a second.
 */
export class KillSwitch {
  readonly #environment: string | undefined;
  readonly #parts: KillSwitchParts;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #stamp: string | undefined;
  #fileValue: string | undefined;
  #isUnreadable = false;
  #reportedDisabled = false;

  constructor(options: KillSwitchOptions, parts: KillSwitchParts = {}) {
    this.#environment = options.ttsProvider;
    this.#parts = parts;
  }

  status(): KillSwitchStatus {
    this.#look();
    const source = this.#fileValue === undefined ? 'environment' : 'control-file';
    const disabled = isDisabled(this.#fileValue ?? this.#environment);
    if (disabled !== this.#reportedDisabled) {
      this.#reportedDisabled = disabled;
      this.#parts.onChange?.({ kind: 'switched', disabled, source });
    }
    return { disabled, source };
  }

  #look(): void {
    const { controlFile, onChange, clock = systemClock } = this.#parts;
    const nowMs = clock.now();
    if (controlFile === undefined || nowMs - this.#lookedAtMs < LOOK_INTERVAL_MS) return;
    this.#lookedAtMs = nowMs;
    const answer = controlFile.read(this.#stamp);
    if (answer.kind === 'unreadable' && !this.#isUnreadable) onChange?.(answer);
    this.#isUnreadable = answer.kind === 'unreadable';
    if (answer.kind !== 'text' && answer.kind !== 'missing') return;
    this.#stamp = answer.kind === 'text' ? answer.stamp : undefined;
    this.#fileValue = answer.kind === 'text' ? readSetting(answer.text, KILL_SWITCH_KEY) : undefined;
  }
}

/** Left between the letters by a shell's or an editor's encoding: Windows PowerShell's `>>` appends UTF-16. */
const ENCODING_REMAINS = /[\0\uFEFF\uFFFD]/g;
/** cmd.exe writes the quotes of its `echo` too, around the whole assignment. */
const ASSIGNMENT = /^\s*["']?(?:export\s+)?([\w.-]+)\s*=(.*)$/;

const withoutComment = (raw: string): string => raw.replace(/#.*$/, '').trim();

const unquote = (raw: string): string => {
  const quoted = /^(["'`])(.*?)\1\s*(?:#.*)?$/.exec(raw.trim());
  return (quoted?.[2] ?? withoutComment(raw).replace(/^["'`]|["'`]$/g, '')).trim();
};

/**
 * The value that a text in .env syntax gives to a key; undefined when it gives none. The last line of the key wins, so
 * that `echo "KEY=value" >> file` takes effect, even when the line before it had no end and the two became one.
 */
export const readSetting = (text: string, key: string): string | undefined => {
  let value: string | undefined;
  for (const line of text.replace(ENCODING_REMAINS, '').split(/\r\n|\n|\r/)) {
    const [, name, raw = ''] = ASSIGNMENT.exec(line) ?? [];
    if (name === undefined) continue;
    const glued = withoutComment(raw).split(`${key}=`);
    if (glued.length > 1) value = unquote(glued.at(-1) ?? '');
    else if (name === key) value = unquote(raw);
  }
  return value;
};
