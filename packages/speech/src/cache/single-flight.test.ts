import { TalebackError } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { type Notify, SingleFlight } from './single-flight.ts';

type Watcher = (word: string) => void;

interface Work {
  readonly signal: AbortSignal;
  readonly notify: Notify<Watcher>;
  readonly finish: (value: Uint8Array) => void;
  readonly fail: (error: Error) => void;
}

const setUp = () => {
  const begun: Work[] = [];
  const flights = new SingleFlight<Uint8Array, Watcher>((value) => value.slice());
  const join = (signal?: AbortSignal, watcher: Watcher = () => {}): Promise<Uint8Array> =>
    flights.join('same', {
      signal,
      watcher,
      begin: (signal, notify) =>
        new Promise((finish, fail) => {
          begun.push({ signal, notify, finish, fail });
        }),
    });
  return { begun, join };
};

const failAtOnce = (): Promise<number> => {
  throw new Error('at once');
};

describe('SingleFlight', () => {
  it('does the work once and gives each their own result', async () => {
    const { begun, join } = setUp();
    const all = [join(), join(), join()];
    expect(begun.length).toBe(1);
    begun[0]?.finish(Uint8Array.of(1));
    const values = await Promise.all(all);
    expect(values).toEqual([Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(1)]);
    expect(new Set(values).size).toBe(3);
  });

  it('starts again once it has ended', async () => {
    const { begun, join } = setUp();
    const first = join();
    begun[0]?.finish(Uint8Array.of(1));
    await first;
    const second = join();
    begun[1]?.finish(Uint8Array.of(2));
    expect(await second).toEqual(Uint8Array.of(2));
  });

  it('reports a failure to every caller, and forgets it', async () => {
    const { begun, join } = setUp();
    const all = [join(), join()];
    begun[0]?.fail(new Error('broken'));
    for (const one of all) await expect(one).rejects.toThrow('broken');
    void join();
    expect(begun.length).toBe(2);
  });

  it('takes work that throws at once for a failure', async () => {
    const flights = new SingleFlight<number>((value) => value);
    await expect(
      flights.join('x', { begin: failAtOnce, signal: undefined, watcher: undefined }),
    ).rejects.toThrow('at once');
  });

  it('leaves the others their work when one aborts', async () => {
    const { begun, join } = setUp();
    const controller = new AbortController();
    const leaving = join(controller.signal);
    const staying = join();
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(begun[0]?.signal.aborted).toBe(false);
    begun[0]?.finish(Uint8Array.of(1));
    expect(await staying).toEqual(Uint8Array.of(1));
  });

  it('aborts the work with the last one, for their reason, and a later caller starts again', async () => {
    const { begun, join } = setUp();
    const controllers = [new AbortController(), new AbortController()];
    const all = controllers.map(({ signal }) => join(signal));
    controllers[0]?.abort();
    controllers[1]?.abort(new TalebackError('timed_out', 'Too long.'));
    const next = join();
    await expect(all[0]).rejects.toMatchObject({ code: 'job_cancelled' });
    await expect(all[1]).rejects.toMatchObject({ code: 'timed_out' });
    expect(begun[0]?.signal.reason).toMatchObject({ code: 'timed_out' });
    begun[0]?.fail(new Error('this is dropped'));
    begun[1]?.finish(Uint8Array.of(2));
    expect(await next).toEqual(Uint8Array.of(2));
  });

  it('begins nothing for who has aborted already', async () => {
    const { begun, join } = setUp();
    await expect(join(AbortSignal.abort())).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(begun).toEqual([]);
  });

  it('notifies all of them of everything, also who joins late', async () => {
    const { begun, join } = setUp();
    const heard: string[] = [];
    const early = join(undefined, (word) => heard.push(`early ${word}`));
    begun[0]?.notify((watcher) => watcher('one'));
    const late = join(undefined, (word) => heard.push(`late ${word}`));
    begun[0]?.notify((watcher) => watcher('two'));
    begun[0]?.finish(Uint8Array.of(1));
    await Promise.all([early, late]);
    expect(heard).toEqual(['early one', 'late one', 'early two', 'late two']);
  });

  it('fails only the one whose watcher throws', async () => {
    const { begun, join } = setUp();
    const clumsy = join(undefined, () => {
      throw new Error('clumsy');
    });
    const sound = join();
    begun[0]?.notify((watcher) => watcher('one'));
    await expect(clumsy).rejects.toThrow('clumsy');
    begun[0]?.finish(Uint8Array.of(1));
    expect(await sound).toEqual(Uint8Array.of(1));
  });
});
