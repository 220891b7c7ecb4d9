import { afterEach, describe, expect, it } from 'vitest';
import { answered, createFixture, type Fixture, messageOf, ok } from '../test/outbox-fixture.ts';
import type { Outbox } from './outbox.ts';

const opened: { readonly outbox: Outbox; readonly fixture: Fixture }[] = [];
afterEach(async () => {
  for (const { outbox, fixture } of opened.splice(0)) {
    const closing = outbox.close();
    await fixture.clock.advanceAsync(60_000);
    await closing;
    fixture.dispose();
  }
});

const start = async (
  prepare: (fixture: Fixture) => void = () => {},
): Promise<{ fixture: Fixture; outbox: Outbox }> => {
  const fixture = createFixture();
  prepare(fixture);
  const outbox = await fixture.open();
  opened.push({ outbox, fixture });
  return { fixture, outbox };
};

const put = async (fixture: Fixture, outbox: Outbox, message = messageOf('s1', 'j1')) => {
  const { firstTry } = await outbox.put(message);
  await fixture.clock.settle();
  return firstTry;
};

const unanswered = { kind: 'unanswered', cause: 'ECONNREFUSED' } as const;
const HOUR_MS = 3_600_000;

describe('an entry that was damaged', () => {
  it.each([
    ['its body is empty', "body = ''"],
    ['its body is cut', 'body = substr(body, 1, 20)'],
    ['its body is another', `body = '{"story_id":"s2"}'`],
    ['its address is another', `head = '{"url":"https://b.example"}'`],
    ['its checksum is another', "sum = '0'"],
  ])('is set aside with the reason, and its neighbours are sent: %s', async (_, change) => {
    const { fixture, outbox } = await start();
    fixture.breaks('read', Object.assign(new Error('too many'), { code: 'EMFILE' }));
    await put(fixture, outbox, messageOf('s0', 'j0'));
    fixture.store.database.open.exec(`UPDATE entries SET ${change}`);
    fixture.breaks('read', undefined);
    expect(await put(fixture, outbox)).toMatchObject({ kind: 'delivered' });
    await fixture.clock.advanceAsync(10_000);
    await expect.poll(() => outbox.status()).toMatchObject({ depth: 0, setAside: 1, delivered: 1 });
    expect(fixture.aside()).toEqual(['it is not what was written: its checksum differs']);
    expect(fixture.ids()).toEqual(['ready_j1']);
    expect(fixture.logged).toContain('error: outbox entry set aside');
  });
});

describe('a disk that fails', () => {
  it('when an accepted message is removed: it is not sent again, and removed later', async () => {
    const { fixture, outbox } = await start();
    fixture.breaks('remove', new Error('EROFS'));
    expect(await put(fixture, outbox)).toEqual({ kind: 'delivered', attempts: 1 });
    await fixture.clock.advanceAsync(HOUR_MS);
    expect(fixture.sent).toHaveLength(1);
    expect(fixture.logged).toContain('error: delivered callback could not be removed');
    fixture.breaks('remove', undefined);
    await fixture.clock.advanceAsync(10_000);
    expect(fixture.waiting()).toBe(0);
    expect(outbox.status()).toMatchObject({ depth: 0, delivered: 1 });
  });

  it('for want of file handles: the entry stays where it is and is read later', async () => {
    const { fixture, outbox } = await start();
    fixture.breaks('read', Object.assign(new Error('too many'), { code: 'EMFILE' }));
    expect(await put(fixture, outbox)).toMatchObject({ kind: 'kept' });
    expect(fixture.logged).toEqual(['error: outbox is stuck']);
    fixture.breaks('read', undefined);
    await fixture.clock.advanceAsync(10_000);
    expect(fixture.ids()).toEqual(['ready_j1']);
    expect(fixture.aside()).toEqual([]);
  });

  it('in looking for what is new: it is looked for again', async () => {
    const { fixture, outbox } = await start();
    fixture.breaks('names', new Error('EIO'));
    expect(await put(fixture, outbox)).toMatchObject({ kind: 'kept', attempts: 0 });
    expect(fixture.logged).toContain('error: outbox cannot be read');
    fixture.breaks('names', undefined);
    await fixture.clock.advanceAsync(31_000);
    expect(fixture.ids()).toEqual(['ready_j1']);
  });

  it('from the start: nothing is written until the folder can be made', async () => {
    const { fixture, outbox } = await start((fixture) => fixture.breaks('open', new Error('EACCES')));
    await expect(outbox.put(messageOf('s1', 'j1'))).rejects.toThrow('EACCES');
    fixture.breaks('open', undefined);
    await outbox.put(messageOf('s1', 'j1'));
    // Resolves when this process sends.
    await outbox.open();
    await fixture.clock.settle();
    expect(fixture.ids()).toEqual(['ready_j1']);
  });

  it('of the store: what is given up is set aside', async () => {
    const { fixture, outbox } = await start();
    fixture.storeFault = new Error('bucket gone');
    fixture.answer = () => answered(422);
    expect(await put(fixture, outbox)).toMatchObject({ kind: 'refused' });
    expect(fixture.aside()).toEqual(['refused, and the store would not take it: bucket gone']);
    expect(outbox.status()).toMatchObject({ depth: 0, refused: 1, setAside: 1 });
    expect(fixture.logged).toContain('error: failed callback could not be kept');
  });

  it('of the store and of the folder: it stays, and all is done again later', async () => {
    const { fixture, outbox } = await start();
    fixture.storeFault = new Error('bucket gone');
    fixture.breaks('copyAside', new Error('EROFS'));
    fixture.answer = () => answered(422);
    expect(await put(fixture, outbox)).toMatchObject({ kind: 'kept' });
    expect(fixture.waiting()).toBe(1);
    fixture.storeFault = undefined;
    await fixture.clock.advanceAsync(10_000);
    expect(fixture.waiting()).toBe(0);
    expect(fixture.kept.size).toBe(1);
  });
});

describe('a receiver that is away', () => {
  const COUNT = 1_000;

  it('is asked about once a minute, however much waits, and gets everything within a second of its return', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = () => unanswered;
    for (let index = 0; index < COUNT; index += 1) await outbox.put(messageOf(`s${index}`, `j${index}`));
    await fixture.clock.advanceAsync(HOUR_MS);
    const first = fixture.sent.length;
    // The first ones in parallel, then 1, 2, 4 ... 60 s apart.
    expect(first).toBeLessThan(90);
    await fixture.clock.advanceAsync(HOUR_MS);
    expect(fixture.sent.length - first).toBeLessThanOrEqual(61);
    expect(outbox.status()).toMatchObject({ depth: COUNT, delivered: 0 });
    fixture.answer = () => ok;
    const before = fixture.sent.length;
    await fixture.clock.advanceAsync(61_000);
    expect(outbox.status()).toMatchObject({ depth: 0, delivered: COUNT });
    const after = fixture.sent.slice(before);
    expect((after.at(-1)?.atMs ?? 0) - (after[0]?.atMs ?? 0)).toBeLessThan(1_000);
  });

  it('delays no other receiver', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = ({ url }) => (url.startsWith('https://a.example') ? unanswered : ok);
    for (let index = 0; index < 50; index += 1) await outbox.put(messageOf(`s${index}`, `j${index}`));
    await fixture.clock.settle();
    const other = messageOf('x', 'x', { url: 'https://b.example/api/tts/callback' });
    expect(await put(fixture, outbox, other)).toMatchObject({ kind: 'delivered' });
  });

  it('does not hold up a job: the wait for the first try ends at once', async () => {
    const { fixture, outbox } = await start();
    fixture.answer = () => unanswered;
    for (let index = 0; index < 10; index += 1) await outbox.put(messageOf(`s${index}`, `j${index}`));
    await fixture.clock.settle();
    const sent = fixture.sent.length;
    expect(await put(fixture, outbox, messageOf('new', 'new'))).toMatchObject({ kind: 'kept', attempts: 0 });
    expect(fixture.sent).toHaveLength(sent);
  });

  it('never has more than eight requests at once, and all receivers together sixty-four', async () => {
    const { fixture, outbox } = await start();
    const underWay: (() => void)[] = [];
    let most = 0;
    fixture.answer = async () => {
      await new Promise<void>((resolve) => {
        underWay.push(resolve);
        most = Math.max(most, underWay.length);
      });
      return ok;
    };
    for (let index = 0; index < 40; index += 1) await outbox.put(messageOf(`s${index}`, `j${index}`));
    await fixture.clock.settle();
    expect(most).toBe(8);
    for (let host = 0; host < 20; host += 1) {
      for (let index = 0; index < 10; index += 1) {
        const url = `https://h${host}.example/callback`;
        await outbox.put(messageOf(`h${host}-${index}`, `h${host}-${index}`, { url }));
      }
    }
    await fixture.clock.settle();
    expect(most).toBe(64);
    while (underWay.length > 0) {
      for (const release of underWay.splice(0)) release();
      await fixture.clock.settle();
    }
    expect(most).toBe(64);
    expect(outbox.status()).toMatchObject({ depth: 0, delivered: 240 });
  });
});

it('one message that the receiver always fails at is tried less and less, and the others pass it', async () => {
  const { fixture, outbox } = await start();
  fixture.answer = ({ messageId }) => (messageId === 'ready_bad' ? answered(500) : ok);
  await put(fixture, outbox, messageOf('bad', 'bad'));
  for (let index = 0; index < 120; index += 1) {
    expect(await put(fixture, outbox, messageOf(`s${index}`, `j${index}`))).toMatchObject({
      kind: 'delivered',
    });
    await fixture.clock.advanceAsync(30_000);
  }
  const tries = fixture.ids().filter((id) => id === 'ready_bad').length;
  // 1, 2, 4 ... 256 s, then every five minutes for the rest of the hour.
  expect(tries).toBeGreaterThan(15);
  expect(tries).toBeLessThan(25);
});
