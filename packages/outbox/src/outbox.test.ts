import type { FakeClock } from '@taleback/resilience/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  answered,
  createFixture,
  type Fixture,
  messageOf,
  ok,
  payloadOf,
  REFUSAL,
  URL_A,
  withSubstitute,
} from '../test/outbox-fixture.ts';
import type { OutboxMessage } from './message.ts';
import type { Outbox } from './outbox.ts';

const opened: { readonly outbox: Outbox; readonly fixture: Fixture }[] = [];
afterEach(async () => {
  const left = new Set<FakeClock>();
  for (const { outbox, fixture } of opened.splice(0)) {
    const closing = outbox.close();
    await fixture.clock.advanceAsync(60_000);
    await closing;
    left.add(fixture.clock);
    fixture.dispose();
  }
  if ([...left].some((clock) => clock.pendingTimers > 0)) throw new Error('a timer was left behind');
});

const start = async (): Promise<{ readonly fixture: Fixture; readonly outbox: Outbox }> => {
  const fixture = createFixture();
  const outbox = await fixture.open();
  opened.push({ outbox, fixture });
  return { fixture, outbox };
};

/** Puts a message whose first attempt ends at once. */
const put = async (fixture: Fixture, outbox: Outbox, message = messageOf('s1', 'j1')) => {
  const { firstTry } = await outbox.put(message);
  await fixture.clock.settle();
  return firstTry;
};

const unanswered = { kind: 'unanswered', cause: 'ECONNREFUSED' } as const;
const HOUR_MS = 3_600_000;

describe('a message', () => {
  it('is on the disk before it is sent, and gone when it was accepted', async () => {
    const { fixture, outbox } = await start();
    const onDisk: number[] = [];
    fixture.answer = () => {
      onDisk.push(fixture.waiting());
      return ok;
    };
    expect(await put(fixture, outbox)).toEqual({ kind: 'delivered', attempts: 1 });
    expect(onDisk).toEqual([1]);
    expect(fixture.waiting()).toBe(0);
    expect(outbox.status()).toMatchObject({ sending: true, depth: 0, oldestAge: null, delivered: 1 });
    expect(fixture.logged).toEqual(['info: callback sent']);
  });

  it('is not sent when it cannot be written, and says so', async () => {
    const { fixture, outbox } = await start();
    fixture.breaks('insert', new Error('ENOSPC'));
    await expect(outbox.put(messageOf('s1', 'j1'))).rejects.toThrow('ENOSPC');
    await fixture.clock.advanceAsync(HOUR_MS);
    expect(fixture.sent).toEqual([]);
  });

  it('that is too large is refused', async () => {
    const { outbox } = await start();
    const body = JSON.stringify({ text: 'x'.repeat(8 * 2 ** 20) });
    await expect(outbox.put(messageOf('s1', 'j1', { body }))).rejects.toThrow(RangeError);
  });

  it.each([
    ['no answer', unanswered],
    ['500', answered(500)],
    ['502', answered(502)],
    ['408', answered(408)],
    ['425', answered(425)],
    ['429', answered(429)],
    ['401', answered(401)],
    ["404 in a proxy's words", answered(404, undefined, '<html>Not Found</html>')],
    ["403 in a firewall's words", answered(403, undefined, 'Forbidden')],
    ['405 of a page', answered(405, undefined, '')],
  ])('is tried again after %s, with waits that double', async (_, outcome) => {
    const { fixture, outbox } = await start();
    fixture.answer = (_message, count) => (count < 4 ? outcome : ok);
    expect(await put(fixture, outbox)).toMatchObject({ kind: 'kept', attempts: 1 });
    await fixture.clock.advanceAsync(60_000);
    expect(fixture.sent.map(({ atMs }) => atMs)).toEqual([0, 1_000, 3_000, 7_000]);
    expect(outbox.status()).toMatchObject({ depth: 0, delivered: 1 });
  });

  it.each([301, 400, 403, 404, 405, 410, 413, 422, 501])(
    'answered %i is kept in the store, and not tried again',
    async (status) => {
      const { fixture, outbox } = await start();
      fixture.answer = () => answered(status);
      expect(await put(fixture, outbox)).toEqual({ kind: 'refused', status, excerpt: REFUSAL });
      await fixture.clock.advanceAsync(HOUR_MS);
      expect(fixture.sent).toHaveLength(1);
      expect(fixture.waiting()).toBe(0);
      const [[key, record] = []] = fixture.kept;
      expect(key).toBe(`s1-${Date.UTC(2026, 0, 2, 3, 4, 5)}`);
      expect(record).toMatchObject({
        url: URL_A,
        messageId: 'ready_j1',
        payload: payloadOf('s1', 'j1'),
        failure: { why: 'refused', status, cause: `answered ${status}: ${REFUSAL}`, attempts: 1 },
      });
      expect(outbox.status()).toMatchObject({ depth: 0, refused: 1, expired: 0, delivered: 0 });
    },
  );

  it('waits at least as long as Retry-After says, and so does everything else for that receiver', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = (_message, count) => (count === 1 ? answered(503, '120') : ok);
    await put(fixture, outbox);
    expect(await put(fixture, outbox, messageOf('s2', 'j2'))).toMatchObject({ kind: 'kept', attempts: 0 });
    const elsewhere = messageOf('s3', 'j3', { url: 'https://b.example/api/tts/callback' });
    expect(await put(fixture, outbox, elsewhere)).toMatchObject({ kind: 'delivered' });
    await fixture.clock.advanceAsync(119_000);
    expect(fixture.ids()).toEqual(['ready_j1', 'ready_j3']);
    await fixture.clock.advanceAsync(1_000);
    expect(fixture.ids().sort()).toEqual(['ready_j1', 'ready_j1', 'ready_j2', 'ready_j3']);
    expect(fixture.logged[0]).toBe('warn: callback retried later');
  });

  it('answered 401 is refused when a secret cannot be on its way any more', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = () => answered(401);
    await put(fixture, outbox);
    await fixture.clock.advanceAsync(14 * 60_000);
    expect(outbox.status()).toMatchObject({ depth: 1, refused: 0 });
    await fixture.clock.advanceAsync(16 * 60_000);
    expect(outbox.status()).toMatchObject({ depth: 0, refused: 1 });
  });

  it('is given up at its deadline, with a last try there', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = () => unanswered;
    await put(fixture, outbox);
    await fixture.clock.advanceAsync(24 * HOUR_MS + 60_000);
    expect(outbox.status()).toMatchObject({ depth: 0, expired: 1 });
    const last = fixture.sent.at(-1)?.atMs ?? 0;
    expect(last).toBeGreaterThanOrEqual(24 * HOUR_MS);
    expect([...fixture.kept.values()]).toMatchObject([
      { failure: { why: 'expired', cause: 'ECONNREFUSED' } },
    ]);
  });

  it('to an address that is refused is given up at once', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = () => ({ kind: 'address-refused', cause: 'not public' });
    expect(await put(fixture, outbox)).toMatchObject({ kind: 'undeliverable', cause: 'not public' });
    expect(fixture.kept.size).toBe(1);
    expect(fixture.logged).toEqual(['error: callback failed']);
  });
});

describe('a message with a substitute', () => {
  it.each([
    [422, 'refused'],
    [401, 'refused'],
  ])('answered %i for good is followed by it, with the cause', async (status) => {
    const { fixture, outbox } = await start();
    fixture.answer = ({ messageId }) => (messageId.startsWith('ready') ? answered(status) : ok);
    await put(fixture, outbox, withSubstitute('s1', 'j1'));
    await fixture.clock.advanceAsync(HOUR_MS);
    expect(fixture.sent.at(-1)).toMatchObject({
      id: 'failed_j1',
      body: { story_id: 's1', error: 'not accepted', error_details: `answered ${status}: ${REFUSAL}` },
    });
    expect(outbox.status()).toMatchObject({ depth: 0, refused: 1, delivered: 1 });
  });

  it('that expired is followed by it', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = ({ messageId }) => (messageId.startsWith('ready') ? unanswered : ok);
    await put(fixture, outbox, withSubstitute('s1', 'j1'));
    await fixture.clock.advanceAsync(25 * HOUR_MS);
    expect(fixture.sent.at(-1)).toMatchObject({ id: 'failed_j1', body: { error_details: 'ECONNREFUSED' } });
    expect(outbox.status()).toMatchObject({ depth: 0, expired: 1, delivered: 1 });
  });

  it.each([404, 410])('answered %i is followed by nothing: the story is gone', async (status) => {
    const { fixture, outbox } = await start();
    fixture.answer = () => answered(status);
    await put(fixture, outbox, withSubstitute('s1', 'j1'));
    await fixture.clock.advanceAsync(HOUR_MS);
    expect(fixture.ids()).toEqual(['ready_j1']);
  });

  it('keeps both in the store when the receiver takes neither, under names of their own', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = () => answered(422);
    await put(fixture, outbox, withSubstitute('s1', 'j1'));
    await fixture.clock.advanceAsync(HOUR_MS);
    expect([...fixture.kept.values()].map((record) => record['messageId'])).toEqual([
      'ready_j1',
      'failed_j1',
    ]);
    expect(fixture.waiting()).toBe(0);
  });
});

const inStory = (messageId: string): OutboxMessage => messageOf('s1', 'j', { messageId, lane: 'story s1' });

describe('order', () => {
  it('is kept per job: a later message waits for the earlier one, but not for that of another job', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = ({ messageId }, count) => (messageId === 'first' && count < 4 ? answered(500) : ok);
    await put(fixture, outbox, messageOf('s1', 'j1', { messageId: 'first' }));
    const second = await put(fixture, outbox, messageOf('s1', 'j1', { messageId: 'second' }));
    expect(second).toMatchObject({ kind: 'kept', attempts: 0 });
    expect(await put(fixture, outbox, messageOf('s1', 'j2'))).toMatchObject({ kind: 'delivered' });
    await fixture.clock.advanceAsync(60_000);
    expect(fixture.ids().filter((id) => id !== 'ready_j2')).toEqual(['first', 'first', 'first', 'second']);
  });

  it('is kept per story where no job is named', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = ({ messageId }) => (messageId === 'first' ? answered(500) : ok);
    await put(fixture, outbox, inStory('first'));
    expect(await put(fixture, outbox, inStory('second'))).toMatchObject({ kind: 'kept', attempts: 0 });
  });

  it('is kept over a restart with a clock that was set back a year', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = () => unanswered;
    await put(fixture, outbox, messageOf('s1', 'j1', { messageId: 'first' }));
    const closing = outbox.close();
    await fixture.clock.settle();
    await closing;
    const later = await fixture.open(Date.UTC(2025, 0, 1));
    opened.push({ outbox: later, fixture });
    await later.put(messageOf('s1', 'j1', { messageId: 'second' }));
    fixture.sent.length = 0;
    fixture.answer = () => ok;
    await fixture.clock.advanceAsync(60_000);
    expect(fixture.ids()).toEqual(['first', 'second']);
  });

  it('does not mix messages without a lane', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = ({ messageId }) => (messageId === 'ready_j1' ? answered(500) : ok);
    await put(fixture, outbox, messageOf('unknown', 'j1', { lane: undefined }));
    expect(await put(fixture, outbox, messageOf('unknown', 'j2', { lane: undefined }))).toMatchObject({
      kind: 'delivered',
    });
  });
});

describe('a restart', () => {
  it('sends what was left at once, and never gives up without a try', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = () => unanswered;
    for (const story of ['s1', 's2', 's3']) await put(fixture, outbox, messageOf(story, story));
    const closing = outbox.close();
    await fixture.clock.settle();
    await closing;
    fixture.sent.length = 0;
    fixture.answer = () => ok;
    // Long after the deadline: the machine was off.
    const later = await fixture.open(Date.UTC(2026, 5, 1));
    opened.push({ outbox: later, fixture });
    await fixture.clock.settle();
    expect(fixture.ids()).toEqual(['ready_s1', 'ready_s2', 'ready_s3']);
    expect(fixture.waiting()).toBe(0);
  });

  it('with a clock that was set back does not make a message immortal', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = () => unanswered;
    await put(fixture, outbox);
    const closing = outbox.close();
    await fixture.clock.settle();
    await closing;
    const earlier = await fixture.open(Date.UTC(2000, 0, 1));
    opened.push({ outbox: earlier, fixture });
    await fixture.clock.advanceAsync(25 * HOUR_MS);
    expect(earlier.status()).toMatchObject({ depth: 0, expired: 1 });
  });
});

describe('a stop', () => {
  it('waits for the first try of what was written a moment ago, and for nothing else', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = () => unanswered;
    await put(fixture, outbox, messageOf('old', 'old'));
    const releases: (() => void)[] = [];
    fixture.answer = async () => {
      await new Promise<void>((resolve) => releases.push(resolve));
      return ok;
    };
    const { firstTry } = await outbox.put(messageOf('s1', 'j1'));
    const events: string[] = [];
    const closing = outbox.close().then(() => events.push('closed'));
    await fixture.clock.settle();
    expect(events).toEqual([]);
    for (const release of releases) release();
    await closing;
    expect(await firstTry).toEqual({ kind: 'delivered', attempts: 1 });
    expect(fixture.waiting()).toBe(1);
    expect(fixture.ids()).toEqual(['ready_old', 'ready_j1']);
  });

  it('afterwards still writes, and leaves the sending to the next start', async () => {
    const { fixture, outbox } = await start();
    await outbox.close();
    expect(await put(fixture, outbox)).toMatchObject({ kind: 'kept', attempts: 0 });
    expect(fixture.sent).toEqual([]);
    expect(fixture.waiting()).toBe(1);
  });
});
