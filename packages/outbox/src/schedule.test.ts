import { createFakeClock } from '@taleback/resilience/testing';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Schedule } from './schedule.ts';

const wait = fc.integer({ min: 0, max: 5 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const) }),
  fc.record({ kind: fc.constant('pass' as const), ms: wait }),
  fc.record({ kind: fc.constant('drop' as const) }),
  fc.record({ kind: fc.constant('again' as const), inMs: wait }),
);

interface Due {
  readonly id: number;
  readonly dueMs: number;
}

const admissionOf = (first: Due | undefined, nowMs: number): object => {
  if (first === undefined) return { kind: 'idle' };
  return first.dueMs > nowMs ? { kind: 'wait', untilMs: first.dueMs } : { kind: 'go', id: first.id };
};

const name = (id: number, stamp = id) => ({ id, stamp, destination: 'https://a.example', lane: 'job 1' });

it('gives the lane that is due first, and of equals the one that was queued first, as a sorted list would', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = createFakeClock(1_000);
      const schedule = new Schedule(clock);
      let model: (Due & { readonly order: number })[] = [];
      let order = 0;
      const take = (): ReturnType<Schedule['next']> => {
        const first = model.toSorted((one, other) => one.dueMs - other.dueMs || one.order - other.order)[0];
        const admission = schedule.next();
        const seen = admission.kind === 'go' ? { kind: 'go', id: admission.lane.entries[0]?.id } : admission;
        expect(seen).toEqual(admissionOf(first, clock.now()));
        return admission;
      };
      for (const it of steps) {
        if (it.kind === 'pass') clock.advance(it.ms);
        if (it.kind === 'add') {
          order += 1;
          schedule.add({ id: order, stamp: order, destination: 'https://a.example', lane: `job ${order}` });
          model.push({ id: order, dueMs: clock.now(), order });
        }
        const admission = take();
        if (admission.kind !== 'go') continue;
        const { lane } = admission;
        const id = lane.entries[0]?.id ?? 0;
        lane.destination.ended(lane);
        lane.destination.breaker.release(admission.permit);
        model = model.filter((item) => item.id !== id);
        if (it.kind === 'drop') schedule.drop(lane);
        else {
          const dueMs = clock.now() + (it.kind === 'again' ? it.inMs : 0);
          schedule.requeue(lane, dueMs);
          model.push({ id, dueMs, order: (order += 1) });
        }
        expect(schedule.depth).toBe(model.length);
      }
    }),
  );
});

it('sends an entry that takes the place of another before what waits behind it', () => {
  const schedule = new Schedule(createFakeClock());
  for (const id of [1, 2, 3]) schedule.add(name(id));
  const admission = schedule.next();
  if (admission.kind !== 'go') throw new Error(admission.kind);
  admission.lane.destination.ended(admission.lane);
  schedule.drop(admission.lane, name(1, 9));
  expect(admission.lane.entries.map(({ id, stamp }) => [id, stamp])).toEqual([
    [1, 9],
    [2, 2],
    [3, 3],
  ]);
  const next = schedule.next();
  expect(next.kind === 'go' && next.lane.entries[0]?.stamp).toBe(9);
});
