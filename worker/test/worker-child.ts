import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface WorkerChild {
  readonly pid: number;
  /** Everything it wrote to its standard error. */
  readonly output: () => string;
  /** The line with this message, as soon as it is there; rejects when the worker ends without it. */
  readonly line: (message: string) => Promise<LogLine>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** How it ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** True while any process of its group lives. */
  readonly isAlive: () => boolean;
}

const parseLine = (text: string): LogLine | undefined => {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
};

const endOf = async (child: ChildProcess): Promise<Awaited<WorkerChild['ended']>> => {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal };
};

/** Runs the worker as its users do, in a process group of its own, with this environment and no other. */
export const startWorker = (environment: Readonly<Record<string, string>>): WorkerChild => {
  const child = spawn(process.execPath, ['--conditions=@taleback/source', MAIN], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      PUBSUB_EMULATOR_HOST: process.env['PUBSUB_EMULATOR_HOST'],
      METADATA_SERVER_DETECTION: 'none',
      GCE_METADATA_HOST: '127.0.0.1:9',
      AUDIO_PORT: '0',
      HEALTH_PORT: '0',
      SYSTEM_PROTECTION: 'off',
      ALLOW_PRIVATE_CALLBACKS: 'on',
      SPEECH_CACHE: 'off',
      OUTBOX_FOLDER: join(environment['AUDIO_FOLDER'] ?? tmpdir(), '.outbox'),
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const pid = child.pid ?? 0;
  const lines: string[] = [];
  const waiters = new Set<() => void>();
  createInterface({ input: child.stderr }).on('line', (text) => {
    lines.push(text);
    for (const check of waiters) check();
  });
  const ended = endOf(child);
  return {
    pid,
    output: () => lines.join('\n'),
    line: (message) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const found = lines.map(parseLine).find((line) => line?.msg === message);
          if (found === undefined) return;
          waiters.delete(check);
          resolve(found);
        };
        waiters.add(check);
        check();
        void ended.then(() =>
          reject(new Error(`the worker ended without "${message}":\n${lines.join('\n')}`)),
        );
      }),
    signal: (name) => void process.kill(pid, name),
    ended,
    isAlive: () => {
      try {
        return process.kill(-pid, 0);
      } catch {
        return false;
      }
    },
  };
};
