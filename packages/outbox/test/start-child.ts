import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ChildLine {
  readonly kind: string;
  readonly id?: string;
  readonly peakRssBytes?: number;
  readonly delivered?: number;
  /** Steps on the disk up to here. */
  readonly steps?: number;
}

export interface OutboxChild {
  readonly lines: readonly ChildLine[];
  /** Ids that it said are on the disk. */
  readonly put: () => string[];
  /** Resolves with the line, as soon as it is there; rejects when the child ends without it. */
  readonly line: (kind: string) => Promise<ChildLine>;
  readonly signal: (name: NodeJS.Signals) => void;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

export const OUTBOX_CHILD = new URL('outbox-child.ts', import.meta.url);

/** Runs an entry from its source, with this environment and no other. */
export const startChild = (
  entry: URL,
  environment: Readonly<Record<string, string>>,
  nodeArgs: readonly string[] = [],
): OutboxChild => {
  const child = spawn(
    process.execPath,
    [...nodeArgs, '--conditions=@taleback/source', fileURLToPath(entry)],
    {
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const lines: ChildLine[] = [];
  let errors = '';
  const waiters = new Set<() => void>();
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString('utf8');
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(JSON.parse(text) as ChildLine);
    for (const check of waiters) check();
  });
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  return {
    lines,
    put: () => lines.flatMap(({ kind, id }) => (kind === 'put' && id !== undefined ? [id] : [])),
    line: (kind) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const found = lines.find((line) => line.kind === kind);
          if (found === undefined) return;
          waiters.delete(check);
          resolve(found);
        };
        waiters.add(check);
        check();
        void ended.then(() => reject(new Error(`it ended without "${kind}": ${errors}`)));
      }),
    signal: (name) => void child.kill(name),
    ended,
  };
};
