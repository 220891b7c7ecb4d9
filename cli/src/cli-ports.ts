import type { AudioEncoder } from '@taleback/speech/src/audio/index.ts';
import type { CallbackClient, Post } from '@taleback/outbox/src/callbacks-index.ts';
import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import type { Check } from '@taleback/speech/src/diagnosis/index.ts';
import type { Narrate } from '@taleback/speech/src/chain/narrate.ts';
import type { RecordLibrary } from '@taleback/worker/src/storage/index.ts';

/** The speech service for one command. */
export interface OpenedSpeech {
  readonly narrate: (encoder: AudioEncoder) => Narrate;
  readonly close: () => Promise<void>;
}

export interface SpeechWish {
  readonly config: WorkerConfig;
}

export interface CheckWish {
  readonly config: WorkerConfig;
  readonly environment: Environment;
  readonly voiceId: string | undefined;
  /** Base address of the callback receiver. */
  readonly receiverUrl: string | undefined;
  /** For each check, ms. */
  readonly timeoutMs: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The standard streams and the terminal, as far as commands use them. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Resolves when the bytes have left the process. */
  readonly writeOut: (bytes: Uint8Array) => Promise<void>;
  readonly readIn: () => Promise<string>;
  readonly isOutTty: boolean;
  readonly isErrTty: boolean;
  readonly isInTty: boolean;
  /** Columns of a terminal; undefined for a file or a pipe. */
  readonly width: number | undefined;
  /** Whether NO_COLOR is unset and the output is a terminal. */
  readonly colour: boolean;
}

/** Everything that a command has from outside. Functions load what they need when they are called. */
export interface CliPorts {
  readonly terminal: Terminal;
  readonly readEnvironment: () => Promise<Environment>;
  /** @throws Error `configuration: …` */
  readonly parseConfig: (environment: Environment) => Promise<WorkerConfig>;
  /** Runs the worker in this process, or in another that is started again when it fails; ends with it. */
  readonly runWorker: (restart: boolean) => Promise<void>;
  readonly checks: (wish: CheckWish) => Promise<readonly Check[]>;
  /** @throws TalebackError when no engine comes up */
  readonly openSpeech: (wish: SpeechWish, signal: AbortSignal) => Promise<OpenedSpeech>;
  readonly openMp3Encoder: () => Promise<AudioEncoder>;
  /** The store that callbacks are given up into. */
  readonly openRecords: (config: WorkerConfig) => Promise<{
    readonly records: RecordLibrary;
    readonly close: () => Promise<void>;
  }>;
  /** A client that keeps nothing, for callbacks that a person sends. */
  readonly openCallbackClient: (config: WorkerConfig) => Promise<{
    readonly client: CallbackClient;
    readonly close: () => Promise<void>;
  }>;
  /** Posts to any address, private ones too: a person named it. */
  readonly openPost: () => Promise<{ readonly post: Post; readonly close: () => Promise<void> }>;
  /** Aborts on the first SIGINT or SIGTERM. */
  readonly stopSignal: () => AbortSignal;
}
