import { describe, expect, it } from 'vitest';
import type { ChildConnection } from './child-connection.ts';
import { FakeChild, startFake } from '../../test/protocol/fake-connection.ts';
import type { ProtocolVersion } from './protocol.ts';

let { child, clock, reported } = startFake();

const connect = (versions?: readonly ProtocolVersion[], given?: FakeChild): ChildConnection => {
  const fake = startFake(versions, given);
  ({ child, clock, reported } = fake);
  return fake.connection;
};

describe('negotiation', () => {
  it('asks in 2.1 first, and is ready when the child says so', () => {
    const connection = connect();
    expect(child.requests).toEqual([
      {
        version: '2.1.0',
        messageId: 'msg-1',
        timestamp: 1_640_995_200_000,
        type: 'request',
        payload: { type: 'hello', versions: ['2.1.0', '2.0.0', '1.0.0'] },
        metadata: { correlationId: 'hello-1', workerId: 'worker-1', retryCount: 0 },
      },
    ]);
    expect(connection.answersPings).toBe(false);
    child.hello({ models: ['m'] });
    expect(reported).toEqual([]);
    expect(connection.answersPings).toBe(true);
    child.announce({ type: 'ready' });
    child.announce({ type: 'ready', model: 'again' });
    expect(reported).toEqual([['ready', { protocol: '2.1.0', concurrency: 4, model: 'm' }]]);
    expect(clock.pendingTimers).toBe(0);
    expect(connection.pid).toBe(4_321);
  });

  it('names a model in memory only when it is sure', () => {
    connect();
    child.hello({ models: ['a', 'b'] });
    child.announce({ type: 'ready' });
    expect(reported).toEqual([['ready', { protocol: '2.1.0', concurrency: 4, model: undefined }]]);
  });

  it('speaks 2.0 with a child that chose it', () => {
    const connection = connect();
    child.hello({ version: '2.0.0' });
    child.announce({ type: 'ready', model: 'm' });
    expect(reported).toEqual([['ready', { protocol: '2.0.0', concurrency: 4, model: 'm' }]]);
    connection.speak({ correlationId: 'a', retryCount: 2, request: { text: 'Hi', voiceId: 'v' } });
    expect(child.requests.at(-1)).toMatchObject({
      version: '2.0.0',
      payload: { type: 'synthesize', text: 'Hi', voice: 'v', output_path: '/sounds/1.wav' },
      metadata: { correlationId: 'a', retryCount: 2 },
    });
  });

  it('speaks 1.0, one call at a time, with a child that chose it', () => {
    const connection = connect();
    child.hello({ version: '1.0.0' });
    expect(reported).toEqual([['ready', { protocol: '1.0.0', concurrency: 1, model: undefined }]]);
    expect(connection.answersPings).toBe(false);
  });

  it('asks nothing when 1.0 alone is offered', () => {
    connect(['1.0.0']);
    expect(reported).toEqual([]);
    clock.advance(0);
    expect(reported).toEqual([['ready', { protocol: '1.0.0', concurrency: 1, model: undefined }]]);
    expect(child.written).toEqual([]);
  });

  it('speaks 1.0 with a child that is silent for 5 s', () => {
    connect();
    clock.advance(4_999);
    expect(reported).toEqual([]);
    clock.advance(1);
    expect(reported).toEqual([['ready', { protocol: '1.0.0', concurrency: 1, model: undefined }]]);
  });

  it.each([
    { success: false, error: 'unknown type: request' },
    { success: true },
    { status: 'ok' },
    { version: null },
  ])('speaks 1.0 with a child that answers %j', (answer) => {
    connect();
    child.say('noise of a library\n');
    child.sayObject(answer);
    expect(reported).toEqual([['ready', { protocol: '1.0.0', concurrency: 1, model: undefined }]]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('stays with 1.0 when hello comes late', () => {
    const connection = connect();
    clock.advance(5_000);
    child.respond('hello-1', { type: 'hello', version: '2.1.0', concurrency: 9 });
    child.announce({ type: 'ready', model: 'm' });
    expect(reported).toHaveLength(1);
    connection.speak({ correlationId: 'a', retryCount: 0, request: { text: 'Hi', voiceId: 'v' } });
    expect(child.requests.at(-1)).toEqual({
      type: 'synthesize',
      text: 'Hi',
      voice: 'v',
      output_path: '/sounds/1.wav',
    });
  });

  it.each(['2.1.0', '1.0.0'])('ends a child that chooses %s, which was not offered', (version) => {
    connect(['2.0.0']);
    child.hello({ version });
    child.hello({ version: '2.0.0' });
    child.announce({ type: 'ready' });
    clock.advance(5_000);
    expect(child.kills).toBe(1);
    child.end('signal SIGKILL');
    const cause = `broke the protocol: it chose version ${version}, which was not offered (signal SIGKILL)`;
    expect(reported).toEqual([['end', cause]]);
  });

  it.each([
    [{ type: 'error', message: 'none of those' }, 'none of those'],
    [{ type: 'hello', version: '3.0.0' }, 'It chose an unknown version: 3.0.0.'],
  ])('ends a child that refuses: %j', (payload, reason) => {
    connect();
    child.respond('hello-1', payload);
    child.end();
    expect(reported).toEqual([['end', `broke the protocol: it refused hello: ${reason} (exit code 0)`]]);
    expect(child.kills).toBe(1);
  });

  it('hears no hello that answers another question', () => {
    connect();
    child.respond('hello-2', { type: 'hello', version: '2.1.0' });
    child.announce({ type: 'ready' });
    expect(reported).toEqual([]);
    child.respond('hello-1', { type: 'hello', version: '2.1.0' });
    expect(reported).toEqual([['ready', { protocol: '2.1.0', concurrency: 1, model: undefined }]]);
  });

  it.each([true, false])(
    'reports nothing but the end of a child that ends before (within open: %s)',
    (isWithinOpen) => {
      connect(undefined, new FakeChild(isWithinOpen ? 'spawn ENOENT' : undefined));
      if (!isWithinOpen) child.end('spawn ENOENT');
      clock.advance(10_000);
      expect(reported).toEqual([['end', 'spawn ENOENT']]);
    },
  );
});
