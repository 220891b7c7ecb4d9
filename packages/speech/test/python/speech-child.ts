import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { Watched } from './watched.ts';
import { type WireFrame, WireReader } from './wire-reader.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What the child needs to find its package, the tests' engine, and the substitutes asked for. */
export const pythonEnvironment = (substitutes: readonly string[] = []): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  PYTHONPATH: [
    here('../../python'),
    here('fixtures'),
    ...substitutes.map((name) => here(`substitutes/${name}`)),
  ].join(delimiter),
  PYTHONPYCACHEPREFIX: join(tmpdir(), 'taleback-test-pycache'),
});

export interface ChildOptions {
  /** Another child than the one in Python. */
  readonly command?: readonly string[];
  readonly engine?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly versions?: string;
  readonly substitutes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export const TONE = 'tone_engine:ToneEngine';

export const childArguments = ({ engine = TONE, options = {}, versions }: ChildOptions = {}): string[] => [
  '-u',
  '-m',
  'taleback_speech',
  '--engine',
  engine,
  ...Object.entries(options).flatMap(([key, value]) => ['--option', `${key}=${value}`]),
  ...(versions === undefined ? [] : ['--versions', versions]),
];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpeechChild {
  readonly pid: number;
  readonly write: (data: string | Uint8Array) => Promise<void>;
  readonly send: (message: unknown) => Promise<void>;
  readonly endInput: () => void;
  readonly stdout: Readable;
  /** All it said. Nobody but the protocol may have written there, or this file throws. */
  readonly frames: readonly WireFrame[];
  /** The response to this request. */
  readonly answer: (correlationId: string, nth?: number) => Promise<WireFrame>;
  /** The nth answer of 1.0. */
  readonly bare: (nth: number) => Promise<WireFrame['message']>;
  readonly event: (type: string) => Promise<WireFrame>;
  /** The first line of its log that holds this text. */
  readonly logged: (text: string, nth?: number) => Promise<string>;
  readonly log: () => string;
  readonly signal: (name: NodeJS.Signals) => void;
  readonly ended: Promise<Ended>;
}

/** A folder that is gone after the test. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'taleback-python-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const payloadOf = ({ message }: WireFrame): Record<string, unknown> =>
  (message['payload'] ?? {}) as Record<string, unknown>;

const isAnswerTo = (correlationId: string) => (frame: WireFrame) =>
  frame.message['type'] === 'response' &&
  (frame.message['metadata'] as Record<string, unknown>)['correlationId'] === correlationId;

/** Runs a child as the manager does; it is killed after the test if it still lives. */
export const startChild = (given: ChildOptions = {}): SpeechChild => {
  const [command, ...args] = given.command ?? ['python3', ...childArguments(given)];
  const child = spawn(command ?? '', args, {
    env: { ...pythonEnvironment(given.substitutes), ...given.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const frames = new Watched<WireFrame>();
  const lines = new Watched<string>();
  const log = (): string => lines.items.join('\n');
  const reader = new WireReader((frame) => frames.add(frame));
  let fault: Error | undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      if (fault === undefined) reader.push(chunk);
    } catch (error) {
      fault = error as Error;
      frames.close(fault);
    }
  });
  createInterface({ input: child.stderr }).on('line', (line) => lines.add(line));
  // It may leave while we still write; that it did is reported by `ended`.
  child.stdin.on('error', () => {});
  const ended = (async (): Promise<Ended> => {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    const reason = new Error(`the child ended (${code ?? signal}):\n${log()}`);
    frames.close(reason);
    lines.close(reason);
    if (fault !== undefined) throw fault;
    return { code, signal };
  })();
  // Only the tests that look at the end wait for it.
  ended.catch(() => {});
  const write = (data: string | Uint8Array): Promise<void> =>
    new Promise((resolve) => child.stdin.write(data, () => resolve()));
  return {
    pid: child.pid ?? 0,
    write,
    send: (message) => write(`${JSON.stringify(message)}\n`),
    endInput: () => child.stdin.end(),
    stdout: child.stdout,
    frames: frames.items,
    answer: (correlationId, nth) => frames.next(isAnswerTo(correlationId), nth),
    bare: async (nth) => (await frames.next(({ message }) => message['version'] === undefined, nth)).message,
    event: (type) =>
      frames.next((frame) => frame.message['type'] === 'event' && payloadOf(frame)['type'] === type),
    logged: (text, nth) => lines.next((line) => line.includes(text), nth),
    log,
    signal: (name) => void child.kill(name),
    ended,
  };
};

/** What a frame says, without its envelope. */
export const said = async (frame: Promise<WireFrame>): Promise<Record<string, unknown>> =>
  payloadOf(await frame);
