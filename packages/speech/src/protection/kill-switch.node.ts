import { readFileSync, statSync } from 'node:fs';
import { type Clock, systemClock } from '@taleback/resilience';

/** The key, in the environment and in the control file. @see docs/origins.md#kill-switch */
export const KILL_SWITCH_KEY = 'TTS_PROVIDER';
/** The same, with the name that it has in seed 003. */
const KEYS = `${KILL_SWITCH_KEY}|DJ_PROVIDER`;
/** A busy process would look hundreds of times a second; an operator's command may take one second. */
const LOOK_INTERVAL_MS = 1_000;
/** A control file has a few lines. A larger file is something else and would hold the worker up. */
const MAX_SIZE_BYTES = 64 * 1024;

/** The control file now, compared with the version whose stamp is known. */
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
  readonly read: (knownStamp: string | undefined) => ControlFileAnswer;
}

/**
 * A control file on the disk. It is read at once and not in the background, so that an answer is never older than the
 * question; a look takes microseconds.
 *
 * @example
 * createControlFile('/nowhere/control.env').read(undefined); // { kind: 'missing' }
 */
export const createControlFile = (path: string): ControlFile => ({
  name: path,
  read: (knownStamp) => {
    try {
      const stats = statSync(path, { bigint: true });
      const { ino, size, mtimeNs, ctimeNs } = stats;
      // Reading a pipe would wait for a writer.
      if (!stats.isFile()) return { kind: 'unreadable', cause: 'not a regular file' };
      if (size > MAX_SIZE_BYTES) return { kind: 'unreadable', cause: `over ${MAX_SIZE_BYTES} bytes` };
      // A file moved into place keeps its own times, so that they alone could be those of the file before it.
      const stamp = [ino, size, mtimeNs, ctimeNs].join(':');
      if (stamp === knownStamp) return { kind: 'unchanged' };
      return { kind: 'text', text: readFileSync(path, 'utf8'), stamp };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
      return isMissing ? { kind: 'missing' } : { kind: 'unreadable', cause: message };
    }
  },
});

export interface KillSwitchOptions {
  /** `TTS_PROVIDER` of the environment. Default: empty, which enables. */
  readonly ttsProvider?: string | undefined;
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

/**
 * `TTS_PROVIDER=disabled` switches synthesis off, any other value switches it on. The control file goes before the
 * environment and may change at any time: it is looked at on use, at most once a second.
 */
export class KillSwitch {
  readonly #environment: string | undefined;
  readonly #controlFile: ControlFile | undefined;
  readonly #onChange: (change: KillSwitchChange) => void;
  readonly #clock: Clock;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #stamp: string | undefined;
  #fileValue: string | undefined;
  #isUnreadable = false;
  #reportedDisabled = false;

  /** @param parts `onChange` is called when a change is noticed, which is on use */
  constructor(
    { ttsProvider }: KillSwitchOptions,
    parts: {
      controlFile?: ControlFile | undefined;
      onChange?: (change: KillSwitchChange) => void;
      clock?: Clock;
    } = {},
  ) {
    this.#environment = ttsProvider;
    this.#controlFile = parts.controlFile;
    this.#onChange = parts.onChange ?? (() => {});
    this.#clock = parts.clock ?? systemClock;
  }

  status(): KillSwitchStatus {
    this.#look();
    const source = this.#fileValue === undefined ? 'environment' : 'control-file';
    const disabled = (this.#fileValue ?? this.#environment)?.trim().toLowerCase() === 'disabled';
    if (disabled !== this.#reportedDisabled) {
      this.#reportedDisabled = disabled;
      this.#onChange({ kind: 'switched', disabled, source });
    }
    return { disabled, source };
  }

  #look(): void {
    const nowMs = this.#clock.now();
    if (this.#controlFile === undefined || nowMs - this.#lookedAtMs < LOOK_INTERVAL_MS) return;
    this.#lookedAtMs = nowMs;
    const answer = this.#controlFile.read(this.#stamp);
    if (answer.kind === 'unreadable' && !this.#isUnreadable) this.#onChange(answer);
    this.#isUnreadable = answer.kind === 'unreadable';
    if (answer.kind !== 'text' && answer.kind !== 'missing') return;
    this.#stamp = answer.kind === 'text' ? answer.stamp : undefined;
    this.#fileValue = answer.kind === 'text' ? readSetting(answer.text, KEYS) : undefined;
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
 *
 * @param keys one, or several names for the same, as `A|B`
 */
export const readSetting = (text: string, keys: string): string | undefined => {
  const [glue, whole] = [new RegExp(`(?:${keys})=`), new RegExp(`^(?:${keys})$`)];
  let value: string | undefined;
  for (const line of text.replace(ENCODING_REMAINS, '').split(/\r\n|\n|\r/)) {
    const [, name, raw = ''] = ASSIGNMENT.exec(line) ?? [];
    if (name === undefined) continue;
    const glued = withoutComment(raw).split(glue);
    if (glued.length > 1) value = unquote(glued.at(-1) ?? '');
    else if (whole.test(name)) value = unquote(raw);
  }
  return value;
};
