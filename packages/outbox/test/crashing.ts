import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { DatabaseSync } from 'node:sqlite';

/** Before its COMMIT a transaction is as if it had not begun. */
const WITHIN_TRANSACTION = /^(PRAGMA synchronous|BEGIN)/;

/**
 * Kills this process before the `crashAt`-th commit of SQLite, or step of the file system that changes or flushes
 * anything, 1-based; 0 never kills. Steps are those of the whole process, from now on.
 *
 * @returns how many steps there were
 */
export const crashAtStep = (crashAt: number): (() => number) => {
  let steps = 0;
  const step = (): void => {
    steps += 1;
    if (steps === crashAt) process.kill(process.pid, 'SIGKILL');
  };
  const count = (owner: object, names: readonly string[]): void => {
    for (const name of names) {
      const original = Reflect.get(owner, name) as (...args: unknown[]) => unknown;
      Object.assign(owner, {
        [name]: function counted(this: unknown, ...args: unknown[]): unknown {
          if (!WITHIN_TRANSACTION.test(String(args[0]))) step();
          return original.apply(this, args);
        },
      });
    }
  };
  count(DatabaseSync.prototype, ['exec']);
  count(fs, ['mkdirSync', 'openSync', 'renameSync', 'rmSync']);
  count(fs.promises, ['mkdir', 'rename', 'rm', 'unlink']);
  const { open, writeFile } = fs.promises;
  fs.promises.open = async (...args) => {
    step();
    const handle = await open(...args);
    count(handle, ['sync']);
    return handle;
  };
  fs.promises.writeFile = async (path, data, options) => {
    step();
    // The file is there, and only half of it was written.
    if (steps + 1 === crashAt) fs.writeFileSync(path as string, (data as string).slice(0, 10));
    step();
    await writeFile(path, data, options);
    step();
  };
  syncBuiltinESMExports();
  return () => steps;
};
