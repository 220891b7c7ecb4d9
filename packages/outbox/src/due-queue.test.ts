import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Due, DueQueue } from './due-queue.ts';

interface Item extends Due {
  readonly id: number;
}

const moment = fc.integer({ min: 0, max: 5 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('push' as const), dueMs: moment }),
  fc.record({ kind: fc.constant('pop' as const) }),
  fc.record({ kind: fc.constant('remove' as const), at: fc.nat(20) }),
  fc.record({ kind: fc.constant('reschedule' as const), atMost: moment }),
);

it('gives what is due first, and of equals what came first, as a sorted list would', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new DueQueue<Item>();
      let model: Item[] = [];
      let id = 0;
      const first = (): Item | undefined =>
        [...model].sort((one, other) => one.dueMs - other.dueMs || one.id - other.id)[0];
      const apply = (it: (typeof steps)[number]): void => {
        switch (it.kind) {
          case 'push': {
            const item = { id: (id += 1), dueMs: it.dueMs };
            model.push(item);
            return queue.push(item);
          }
          case 'pop': {
            const popped = queue.pop();
            model = model.filter((item) => item !== popped);
            return;
          }
          case 'remove': {
            const item = model[it.at];
            if (item !== undefined) queue.remove(item);
            model = model.filter((other) => other !== item);
            return;
          }
          case 'reschedule':
            return queue.reschedule(({ dueMs }) => Math.min(dueMs, it.atMost));
          default:
            it satisfies never;
        }
      };
      for (const it of steps) {
        apply(it);
        expect(queue.peek()).toBe(first());
        expect(queue.size).toBe(model.length);
      }
    }),
  );
});
