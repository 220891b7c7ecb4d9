import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface StartedChild {
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Ids of the lines of this kind that it has printed. */
  readonly idsOf: (kind: string) => string[];
}

/** Runs an entry beside this file from its source, with this environment and no other. It prints JSON lines. */
export const startChild = (entry: string, environment: Readonly<Record<string, string>>): StartedChild => {
  const path = fileURLToPath(new URL(entry, import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@taleback/source', path], {
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const lines: { readonly kind: string; readonly id?: string }[] = [];
  createInterface({ input: child.stdout }).on('line', (text) => lines.push(JSON.parse(text)));
  return {
    ended: once(child, 'close').then(([code, signal]) => ({ code, signal })),
    idsOf: (kind) => lines.flatMap((line) => (line.kind === kind ? [line.id ?? ''] : [])),
  };
};
