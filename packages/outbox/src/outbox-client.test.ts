import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import type { CallbackClient, CallbackMessage, Delivery } from './callbacks-index.ts';
import type { Outbox } from './outbox.ts';
import { createOutboxClient } from './outbox-client.ts';
import { messageOf } from './outbox-fixture.ts';

const wire = (firstTry: Promise<Delivery> | Error) => {
  const clock = createFakeClock(1_000);
  const direct: CallbackMessage[] = [];
  const kept: string[] = [];
  let bypassed = 0;
  const deliver = async (message: CallbackMessage): Promise<Delivery> => {
    direct.push(message);
    return { kind: 'undeliverable', attempts: 3, cause: 'away' };
  };
  const outbox: Pick<Outbox, 'put' | 'countSentWithout'> = {
    put: async () => {
      if (firstTry instanceof Error) throw firstTry;
      return { firstTry };
    },
    countSentWithout: () => {
      bypassed += 1;
    },
  };
  const client: CallbackClient = createOutboxClient({
    outbox: outbox as Outbox,
    direct: { deliver, deliverOnce: deliver },
    records: { keep: async (key) => void kept.push(key) },
    clock,
    log: () => {},
  });
  return { client, clock, direct, kept, bypassed: () => bypassed };
};

const never = new Promise<Delivery>(() => {});

describe('the client with an outbox', () => {
  it('gives the end of the first try', async () => {
    const { client, clock, direct } = wire(Promise.resolve({ kind: 'delivered', attempts: 1 }));
    expect(await client.deliver(messageOf('s', 'j'))).toEqual({ kind: 'delivered', attempts: 1 });
    expect([direct.length, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('waits five seconds for it and no longer', async () => {
    const { client, clock } = wire(never);
    const delivering = client.deliver(messageOf('s', 'j'));
    await clock.advanceAsync(4_999);
    expect(clock.pendingTimers).toBe(1);
    await clock.advanceAsync(1);
    expect(await delivering).toMatchObject({ kind: 'kept', attempts: 0 });
  });

  it.each(['before', 'meanwhile'])('stops to wait when its signal aborts: %s', async (when) => {
    const { client, clock } = wire(never);
    const controller = new AbortController();
    if (when === 'before') controller.abort();
    const delivering = client.deliver(messageOf('s', 'j'), controller.signal);
    await clock.settle();
    controller.abort();
    expect(await delivering).toMatchObject({ kind: 'kept' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('sends directly what cannot be written, and keeps in the store what does not arrive', async () => {
    const { client, direct, kept, bypassed } = wire(new Error('ENOSPC'));
    expect(await client.deliver(messageOf('s', 'j'))).toMatchObject({ kind: 'undeliverable' });
    expect([direct.length, bypassed()]).toEqual([1, 1]);
    expect(kept).toEqual(['failed_callbacks/1970-01-01/s-1000.json']);
  });

  it('leaves an address that is none to the direct client, which says so', async () => {
    const { client, direct, kept } = wire(never);
    await client.deliver(messageOf('s', 'j', { url: 'nonsense' }));
    expect([direct.length, kept]).toEqual([1, []]);
  });

  it('sends progress directly', async () => {
    const { client, direct } = wire(never);
    await client.deliverOnce(messageOf('s', 'j'));
    expect(direct).toHaveLength(1);
  });
});
