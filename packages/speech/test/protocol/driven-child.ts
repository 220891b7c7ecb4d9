import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ErrorReport } from '@taleback/core';
import { type OpenSoundFiles, openSoundFiles } from '../../src/protocol/sound-files.node.ts';
import type { Pcm } from '../../src/audio/pcm.ts';
import type { ChildReadiness, SpeechChild, SpeechRequest } from '../../src/pool/speech-child.ts';
import { processChild } from '../../src/engines/hosted-plugins.node.ts';
import type { ProtocolVersion } from '../../src/protocol/protocol.ts';

export type CallEnd = { readonly sound: Pcm } | { readonly error: ErrorReport };

/** A real child process, and promises for its events. */
export interface DrivenChild {
  readonly child: SpeechChild;
  readonly pid: number;
  readonly ready: Promise<ChildReadiness>;
  readonly ended: Promise<string>;
  /** Everything of its log and of ours, one line each. */
  readonly lines: string[];
  readonly speak: (text: string, request?: Partial<SpeechRequest>) => Call;
  /** Resolves with its resident memory when it answers. */
  readonly ping: () => Promise<number | undefined>;
  /** Sound files that are still there. */
  readonly filesLeft: () => string[];
}

export interface Call {
  readonly id: string;
  /** Rejects when the child ends before. */
  readonly end: Promise<CallEnd>;
}

export interface ChildToDrive {
  readonly command?: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly versions?: readonly ProtocolVersion[];
  readonly negotiationTimeoutMs?: number;
}

interface Waiter {
  readonly resolve: (end: CallEnd) => void;
  readonly reject: (reason: Error) => void;
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

const defer = <T>(): Deferred<T> => {
  let parts: Omit<Deferred<T>, 'promise'> = { resolve: () => {}, reject: () => {} };
  const promise = new Promise<T>((resolve, reject) => {
    parts = { resolve, reject };
  });
  return { promise, ...parts };
};

/** Half of what a child costs is the compilation of its modules. */
const COMPILED = { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '' };
const toClean = new Set<() => Promise<unknown>>();

export const startDriven = async (options: ChildToDrive): Promise<DrivenChild> => {
  const files = await openSoundFiles();
  const lines: string[] = [];
  const waiting = new Map<string, Waiter>();
  const pongs: ((rssBytes: number | undefined) => void)[] = [];
  const ready = defer<ChildReadiness>();
  const ended = defer<string>();
  const { command = process.execPath, args, env = COMPILED, versions, negotiationTimeoutMs } = options;
  const open = processChild({
    command,
    args,
    env,
    files,
    versions,
    negotiationTimeoutMs,
    log: (_severity, message, fields) => lines.push(`${message} ${JSON.stringify(fields)}`),
  });
  const settle = (id: string, end: CallEnd): void => {
    waiting.get(id)?.resolve(end);
    waiting.delete(id);
  };
  const child = open('worker-1', {
    onReady: ready.resolve,
    onSpoken: (id, sound) => settle(id, { sound }),
    onFailed: (id, error) => settle(id, { error }),
    onPulse: ({ rssBytes }) => pongs.shift()?.(rssBytes),
    onEnd: (cause) => {
      ended.resolve(cause);
      const reason = new Error(`the child ended: ${cause}`);
      ready.reject(reason);
      for (const { reject } of waiting.values()) reject(reason);
    },
  });
  ready.promise.catch(() => {});
  toClean.add(async () => {
    child.kill();
    await ended.promise;
    await files.close();
  });
  let count = 0;
  return {
    child,
    pid: child.pid ?? 0,
    ready: ready.promise,
    ended: ended.promise,
    lines,
    speak: (text, request = {}) => {
      count += 1;
      const id = `req-${count}`;
      const end = new Promise<CallEnd>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
      });
      end.catch(() => {});
      child.speak({ correlationId: id, retryCount: 0, request: { text, voiceId: 'v', ...request } });
      return { id, end };
    },
    ping: () =>
      new Promise((resolve) => {
        pongs.push(resolve);
        child.ping();
      }),
    filesLeft: () => readdirSync(folderOf(files)),
  };
};

/** Ends every child that a test has left. */
export const endDriven = async (): Promise<void> => {
  const cleaners = [...toClean];
  toClean.clear();
  await Promise.all(cleaners.map((clean) => clean()));
};

const folderOf = (files: OpenSoundFiles): string => dirname(files.newPath());

/** Whether this process runs; a dead one that was not collected does not. */
export const isRunning = (pid: number): boolean => {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return false;
  try {
    return !/\) [ZX] /.test(readFileSync(file, 'latin1'));
  } catch {
    return false;
  }
};
