import * as fs from 'node:fs/promises';
import type { OutboxFs } from '../src/folder-outbox.node.ts';

type Step = (...args: never[]) => Promise<unknown>;

/**
 * The real file system, in which the process is killed before the `crashAt`-th step that changes or flushes anything,
 * 1-based; 0 never kills. Steps are those of the whole process.
 */
export const createCrashingFs = (crashAt: number): OutboxFs => {
  let steps = 0;
  const step = (): void => {
    steps += 1;
    if (steps === crashAt) process.kill(process.pid, 'SIGKILL');
  };
  const counted =
    <T extends Step>(run: T) =>
    (...args: Parameters<T>): ReturnType<T> => {
      step();
      return run(...args) as ReturnType<T>;
    };
  const open: OutboxFs['open'] = async (...args) => {
    step();
    const handle = await fs.open(...args);
    return new Proxy(handle, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        const method = value.bind(target) as Step;
        return property === 'writeFile' || property === 'sync' ? counted(method) : method;
      },
    });
  };
  return {
    ...fs,
    open,
    rename: counted(fs.rename),
    unlink: counted(fs.unlink),
    writeFile: counted(fs.writeFile) as OutboxFs['writeFile'],
  };
};
