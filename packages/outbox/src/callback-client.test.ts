import { afterEach, describe, expect, it } from 'vitest';
import { createFixture, type Fixture, payloadOf, URL_A } from '../test/outbox-fixture.ts';
import { type CallbackClient, type CallbackMessage, createOutboxClient } from './callback-client.ts';
import type { Delivery, TryOutcome } from './message.ts';
import type { Outbox } from './outbox.ts';

const messageOf = (storyId: string, jobId: string, url = URL_A): CallbackMessage => ({
  url,
  messageId: `ready_${jobId}`,
  payload: payloadOf(storyId, jobId),
});

const fixtures: { readonly fixture: Fixture; readonly outbox: Outbox }[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) end();
  for (const { fixture, outbox } of fixtures.splice(0)) {
    const closing = outbox.close();
    await fixture.clock.advanceAsync(10_000);
    await closing;
    fixture.dispose();
  }
});

const wire = async (firstTry: Promise<TryOutcome> | Error) => {
  const fixture = createFixture();
  const outbox = await fixture.open();
  fixtures.push({ fixture, outbox });
  if (firstTry instanceof Error) fixture.breaks('insert', firstTry);
  else fixture.answer = () => firstTry;
  const direct: CallbackMessage[] = [];
  const kept: unknown[] = [];
  const logged: string[] = [];
  const deliver = async (message: CallbackMessage): Promise<Delivery> => {
    direct.push(message);
    return { kind: 'undeliverable', attempts: 3, cause: 'away' };
  };
  const client: CallbackClient = createOutboxClient({
    outbox,
    direct: { deliver, deliverOnce: deliver },
    keepDeadLetter: async ({ message, why, attempts }) => {
      if (fixture.storeFault !== undefined) throw fixture.storeFault;
      kept.push([message.messageId, why, attempts]);
    },
    clock: fixture.clock,
    log: (severity, message) => void logged.push(`${severity}: ${message}`),
  });
  const bypassed = (): number => outbox.status().sentWithout;
  return { client, clock: fixture.clock, fixture, direct, kept, logged, bypassed };
};

/** Attempts that end with the test. */
const endings: (() => void)[] = [];
const unending = (): Promise<TryOutcome> =>
  new Promise((resolve) => endings.push(() => resolve({ kind: 'accepted' })));

describe('the client with an outbox', () => {
  it('gives the end of the first try', async () => {
    const { client, clock, direct } = await wire(Promise.resolve({ kind: 'accepted' }));
    expect(await client.deliver(messageOf('s', 'j'))).toEqual({ kind: 'delivered', attempts: 1 });
    expect([direct.length, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('waits five seconds for it and no longer', async () => {
    const { client, clock } = await wire(unending());
    const delivering = client.deliver(messageOf('s', 'j'));
    await clock.advanceAsync(4_999);
    expect(clock.pendingTimers).toBe(1);
    await clock.advanceAsync(1);
    expect(await delivering).toMatchObject({ kind: 'kept', attempts: 0 });
  });

  it.each(['before', 'meanwhile'])('stops to wait when its signal aborts: %s', async (when) => {
    const { client, clock } = await wire(unending());
    const controller = new AbortController();
    if (when === 'before') controller.abort();
    const delivering = client.deliver(messageOf('s', 'j'), controller.signal);
    await clock.settle();
    controller.abort();
    expect(await delivering).toMatchObject({ kind: 'kept' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('sends directly what cannot be written, and keeps in the store what does not arrive', async () => {
    const { client, direct, kept, logged, bypassed } = await wire(new Error('ENOSPC'));
    expect(await client.deliver(messageOf('s', 'j'))).toMatchObject({ kind: 'undeliverable' });
    expect([direct.length, bypassed()]).toEqual([1, 1]);
    expect(kept).toEqual([['ready_j', 'expired', 3]]);
    expect(logged).toEqual(['error: outbox cannot be written']);
  });

  it('says what neither the disk, the receiver nor the store has taken', async () => {
    const { client, fixture, logged } = await wire(new Error('ENOSPC'));
    fixture.storeFault = new Error('bucket gone');
    expect(await client.deliver(messageOf('s', 'j'))).toMatchObject({ kind: 'undeliverable' });
    expect(logged).toEqual(['error: outbox cannot be written', 'error: failed callback could not be kept']);
  });

  it('leaves an address that is none to the direct client, which says so', async () => {
    const { client, direct, kept } = await wire(unending());
    await client.deliver(messageOf('s', 'j', 'nonsense'));
    expect([direct.length, kept]).toEqual([1, []]);
  });

  it('sends progress directly', async () => {
    const { client, direct } = await wire(unending());
    await client.deliverOnce(messageOf('s', 'j'));
    expect(direct).toHaveLength(1);
  });
});
