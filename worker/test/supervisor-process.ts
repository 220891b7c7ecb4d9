import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));

/** A folder with the built supervisor and, in place of the worker, a child that does as it is told. */
export interface SupervisorFolder {
  readonly path: string;
  remove(): Promise<void>;
}

export const buildSupervisorFolder = async (): Promise<SupervisorFolder> => {
  // Within the workspace, where packages are found.
  const path = join(DIST, `test-supervisor-${crypto.randomUUID()}`);
  await mkdir(path, { recursive: true });
  await copyFile(join(DIST, 'supervisor.js'), join(path, 'supervisor.js'));
  await build({
    entryPoints: [fileURLToPath(new URL('supervised-child.ts', import.meta.url))],
    outfile: join(path, 'main.js'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    alias: {
      '@taleback/resilience': fileURLToPath(new URL('../../resilience/src/index.ts', import.meta.url)),
    },
  });
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};

export interface OutputLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface SupervisorProcess {
  readonly pid: number;
  /** Every line that it and its children wrote and that is JSON. */
  readonly lines: readonly OutputLine[];
  readonly output: () => string;
  /** Its `count`th line with this message; rejects when all ends without it. */
  readonly line: (msg: string, count?: number) => Promise<OutputLine>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** To it and its children at once, as a terminal does. */
  readonly signalGroup: (name: NodeJS.Signals) => void;
  /** How it ended. Settles when its children, which share its output, are gone too. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

const parseLine = (text: string): OutputLine | undefined => {
  try {
    return JSON.parse(text) as OutputLine;
  } catch {
    return undefined;
  }
};

/** Runs `supervisor.js` of a folder in a process group of its own, with this environment and no other. */
export const startSupervisor = (
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): SupervisorProcess => {
  const child = spawn(process.execPath, [join(folder, 'supervisor.js')], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const pid = child.pid ?? 0;
  const lines: OutputLine[] = [];
  const texts: string[] = [];
  const waiters = new Set<() => void>();
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (text) => {
      texts.push(text);
      const line = parseLine(text);
      if (line !== undefined) lines.push(line);
      for (const check of waiters) check();
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const output = (): string => texts.join('\n');
  return {
    pid,
    lines,
    output,
    line: (msg, count = 1) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const found = lines.filter((line) => line.msg === msg)[count - 1];
          if (found === undefined) return;
          waiters.delete(check);
          resolve(found);
        };
        waiters.add(check);
        check();
        void ended.then(() => reject(new Error(`it ended without "${msg}":\n${output()}`)));
      }),
    signal: (name) => void process.kill(pid, name),
    signalGroup: (name) => void process.kill(-pid, name),
    ended,
  };
};
