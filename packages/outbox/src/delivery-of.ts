import type { Delivery } from './callbacks-index.ts';
import type { TurnEnd } from './turn.ts';

/** A message that lies on the disk and that nobody has tried to send. */
export const keptUntried = (cause: string): Delivery => ({ kind: 'kept', attempts: 0, cause });

/**
 * What the end of a turn means to whoever waits for the first try.
 *
 * @param attempts tries that the entry has had, when it waits
 */
export const deliveryOf = (end: TurnEnd, attempts: number): Delivery => {
  switch (end.kind) {
    case 'delivered':
      return { kind: 'delivered', attempts: 1 };
    case 'wait':
      return { kind: 'kept', attempts, cause: end.cause };
    case 'given-up':
      return end.delivery;
    case 'poison':
      return { kind: 'undeliverable', attempts: 0, cause: end.reason };
    case 'stuck':
      return keptUntried(end.cause);
    case 'gone':
    case 'interrupted':
      return keptUntried(end.kind);
    default:
      return end satisfies never;
  }
};
