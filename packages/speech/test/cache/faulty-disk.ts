import { DatabaseSync } from 'node:sqlite';
import { type CacheDisk, REAL_DISK } from '../../src/cache/sound-store.node.ts';

type Call = (...args: never[]) => Promise<unknown>;

/** A call of the file system, or `exec` and `prepare` of SQLite. */
export type DiskStep = keyof CacheDisk | 'exec' | 'prepare';

/**
 * The real disk, with something that happens before each step: `before` may kill the process, throw what a broken disk
 * would throw, or (in calls of the file system) never settle.
 */
export const createFaultyDisk = (before: (step: DiskStep) => unknown): CacheDisk => {
  class FaultyDatabase extends DatabaseSync {
    override exec(sql: string): void {
      before('exec');
      super.exec(sql);
    }
    override prepare(sql: string): ReturnType<DatabaseSync['prepare']> {
      before('prepare');
      return super.prepare(sql);
    }
  }
  const disk: Record<string, unknown> = {
    openDatabase: (path: string) => {
      before('openDatabase');
      return new FaultyDatabase(path);
    },
  };
  for (const name of ['mkdir', 'readdir', 'readFile', 'rename', 'stat', 'unlink', 'writeFile'] as const) {
    const real = REAL_DISK[name] as Call;
    disk[name] = async (...args: never[]): Promise<unknown> => {
      await before(name);
      return real(...args);
    };
  }
  return disk as unknown as CacheDisk;
};
