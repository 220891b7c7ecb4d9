import * as fs from 'node:fs/promises';
import type { CacheFs } from '../../src/cache/folder-cache.node.ts';

type Call = (...args: never[]) => Promise<unknown>;

const STEPS_OF_A_FILE: ReadonlySet<unknown> = new Set(['writeFile', 'utimes', 'read', 'stat']);

/**
 * The real file system, with something that happens before each step: `before` may kill the process, or throw what a
 * broken disk would say.
 *
 * @param before told the name of the call
 */
export const createSteppingFs = (before: (name: string) => void): CacheFs => {
  const stepping =
    <T extends Call>(name: string, run: T) =>
    async (...args: Parameters<T>): Promise<unknown> => {
      before(name);
      return run(...args);
    };
  /** A disk that cannot even close a file closes it all the same. */
  const closing = (close: Call) => async (): Promise<void> => {
    try {
      before('close');
    } finally {
      await close();
    }
  };
  const open: CacheFs['open'] = async (...args) => {
    before('open');
    const handle = await fs.open(...args);
    return new Proxy(handle, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        const method = value.bind(target) as Call;
        if (property === 'close') return closing(method);
        return STEPS_OF_A_FILE.has(property) ? stepping(String(property), method) : method;
      },
    });
  };
  return {
    open,
    rename: stepping('rename', fs.rename) as CacheFs['rename'],
    unlink: stepping('unlink', fs.unlink) as CacheFs['unlink'],
    mkdir: stepping('mkdir', fs.mkdir) as CacheFs['mkdir'],
    readdir: stepping('readdir', fs.readdir as Call) as CacheFs['readdir'],
    stat: stepping('stat', fs.stat as Call) as CacheFs['stat'],
    utimes: stepping('utimes', fs.utimes) as CacheFs['utimes'],
  };
};
