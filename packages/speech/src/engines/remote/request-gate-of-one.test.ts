import { expect, test } from 'vitest';
import { RequestGate } from './request-gate.ts';

const gate = () => {
  let open: (() => void) | undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open?.(), passed };
};

test('one after the other, in their order, whatever becomes of them', async () => {
  const turns = new RequestGate(1);
  const told: string[] = [];
  const first = gate();
  const work = (name: string, until?: Promise<void>) =>
    turns.run(undefined, async () => {
      told.push(`${name} begins`);
      await until;
      told.push(`${name} ends`);
      if (name === 'b') throw new Error('b fails');
      return name;
    });
  const all = Promise.allSettled([work('a', first.passed), work('b'), work('c')]);
  await Promise.resolve();
  expect(told).toEqual(['a begins']);
  first.open();
  expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(told).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  expect(await work('d')).toBe('d');
});

test('who gives up while waiting leaves the line', async () => {
  const turns = new RequestGate(1);
  const first = gate();
  const running = turns.run(undefined, () => first.passed);
  const controller = new AbortController();
  const waiting = turns.run(controller.signal, () => Promise.reject(new Error('must not run')));
  const last = turns.run(undefined, () => Promise.resolve('last'));
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'job_cancelled' });
  first.open();
  await running;
  expect(await last).toBe('last');
  await expect(turns.run(AbortSignal.abort(), () => Promise.resolve())).rejects.toMatchObject({
    code: 'job_cancelled',
  });
  expect(await turns.run(undefined, () => Promise.resolve('free'))).toBe('free');
});

test('who gives up in the moment of the turn passes it on', async () => {
  const turns = new RequestGate(1);
  const first = gate();
  const controller = new AbortController();
  const running = turns.run(undefined, async () => {
    await first.passed;
    queueMicrotask(() => controller.abort());
  });
  const waiting = turns.run(controller.signal, () => Promise.resolve());
  const last = turns.run(undefined, () => Promise.resolve('last'));
  const settled = Promise.allSettled([waiting]);
  first.open();
  await running;
  await settled;
  expect(await last).toBe('last');
});
