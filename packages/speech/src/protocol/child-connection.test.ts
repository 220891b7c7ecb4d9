import { describe, expect, it } from 'vitest';
import { formatWav } from '../audio/wav.ts';
import type { ChildCall, SpeechRequest } from '../pool/speech-child.ts';
import type { ChildConnection } from './child-connection.ts';
import { type FakeChild, startFake, type Reported } from '../../test/protocol/fake-connection.ts';
import { MAX_LINE_BYTES, type ProtocolVersion } from './protocol.ts';

let { child, files, clock, reported, logged } = startFake();

const connect = (versions?: readonly ProtocolVersion[], given?: FakeChild): ChildConnection => {
  const fake = startFake(versions, given);
  ({ child, files, clock, reported, logged } = fake);
  return fake.connection;
};

const call = (correlationId: string, request: Partial<SpeechRequest> = {}, retryCount = 0): ChildCall => ({
  correlationId,
  retryCount,
  request: { text: `text of ${correlationId}`, voiceId: 'v', ...request },
});

/** A connection that has agreed on a version and is ready; `reported` starts afterwards. */
const ready = (version: '2.0.0' | '2.1.0'): ChildConnection => {
  const connection = connect();
  child.hello({ version });
  child.announce({ type: 'ready' });
  reported.length = 0;
  return connection;
};

const readyBare = (): ChildConnection => {
  const connection = connect(['1.0.0']);
  clock.advance(0);
  reported.length = 0;
  return connection;
};

const pcm = (...samples: number[]): Uint8Array => new Uint8Array(Int16Array.from(samples).buffer);
const wav = (...samples: number[]): Uint8Array<ArrayBuffer> =>
  formatWav({ sampleRateHz: 16_000, samples: Int16Array.from(samples) });
const spoken = (id: string, ...samples: number[]): Reported => ['spoken', id, [16_000, ...samples]];
const FOREIGN = 'The speech process named a file that is not its own.';

/** Puts sound into the file that was asked for last, and returns its name. */
const leaveSound = (...samples: number[]): string => {
  const last = child.requests.at(-1) as { output_path?: string; payload?: { output_path: string } };
  const path = last.output_path ?? last.payload?.output_path ?? '';
  files.contents.set(path, wav(...samples));
  return path;
};

describe('2.1', () => {
  it('gives each of several calls its own sound, in any order', () => {
    const connection = ready('2.1.0');
    for (const id of ['a', 'b', 'c']) connection.speak(call(id));
    child.respondRaw('c', pcm(3));
    child.say('a library prints\n');
    child.respondRaw('a', pcm(1, -1));
    child.respond('b', { type: 'error', code: 'voice_not_found', message: 'no such voice' });
    expect(reported).toEqual([
      spoken('c', 3),
      spoken('a', 1, -1),
      ['failed', 'b', 'voice_not_found', 'no such voice'],
    ]);
    expect(files.left).toEqual([]);
  });

  it('drops answers that are not pending', () => {
    const connection = ready('2.1.0');
    connection.speak(call('a'));
    child.respondRaw('b', pcm(2));
    child.respond('b', { type: 'error', message: 'm' });
    child.respondRaw('a', pcm(1));
    child.respondRaw('a', pcm(2));
    child.respond('a', { type: 'error', message: 'm' });
    child.respond('hello-1', { type: 'pong' });
    child.sayObject({ success: true, output_path: '/x' });
    expect(reported).toEqual([spoken('a', 1)]);
  });

  it.each([
    ['half a sample', new Uint8Array(3), {}],
    ['a mad rate', new Uint8Array(2), { sample_rate: 1 }],
    ['no encoding', new Uint8Array(2), { encoding: null }],
    ['a WAV file that is none', new Uint8Array(64), { encoding: 'wav' }],
  ])('reports to the caller %s', (_, raw, payload) => {
    const connection = ready('2.1.0');
    connection.speak(call('a'));
    child.respondRaw('a', raw, payload);
    expect(reported).toEqual([['failed', 'a', 'model_failed', expect.any(String)]]);
  });

  it('reads a WAV file that comes raw', () => {
    const connection = ready('2.1.0');
    connection.speak(call('a'));
    child.respondRaw('a', wav(7), { encoding: 'wav', sample_rate: null });
    expect(reported).toEqual([spoken('a', 7)]);
  });

  it('reads no file, which it never asked for', () => {
    const connection = ready('2.1.0');
    connection.speak(call('a'));
    child.respond('a', { type: 'audio', output_path: '/etc/passwd' });
    expect(reported).toEqual([['failed', 'a', 'model_failed', FOREIGN]]);
  });

  it('asks under a name of its own each time, and hears each pong once', () => {
    const connection = ready('2.1.0');
    connection.ping();
    const first = child.asked.id;
    connection.ping();
    expect(child.asked.id).not.toBe(first);
    connection.cancel('a');
    expect(child.asked.payload).toEqual({ type: 'cancel', correlation_id: 'a' });
    connection.leave();
    expect(child.asked.payload).toEqual({ type: 'shutdown' });
    const ids = child.requests.map(({ metadata }) => (metadata as { correlationId: string }).correlationId);
    expect(new Set(ids).size).toBe(ids.length);
    child.respond(first, { type: 'pong', rss_bytes: 5 });
    child.respond(first, { type: 'pong', rss_bytes: 6 });
    expect(reported).toEqual([['pulse', 5]]);
    expect(child.isInputClosed).toBe(false);
  });

  it.each([
    ['a line without end', 'x'.repeat(MAX_LINE_BYTES + 1), `a line of more than ${MAX_LINE_BYTES} bytes`],
    [
      'a byteLength that is none',
      '{"version":"2.1.0","byteLength":-1}\n',
      'a byteLength that is no whole number from 0 to 67108864',
    ],
    [
      'noise in its sound',
      '{"version":"2.1.0","byteLength":1}\nab',
      'raw bytes that do not end where they should',
    ],
  ])('ends a child that writes %s', (_, garbage, reason) => {
    const connection = ready('2.1.0');
    connection.speak(call('a'));
    child.say(garbage);
    child.respondRaw('a', pcm(1));
    expect(child.kills).toBe(1);
    expect(reported).toEqual([]);
    child.end('signal SIGKILL');
    expect(reported).toEqual([['end', `broke the protocol: ${reason} (signal SIGKILL)`]]);
  });

  it.each([
    ['text_too_long', '2.1.0', { text: 'x'.repeat(MAX_LINE_BYTES) }],
    ['text_too_long', '2.0.0', { text: 'x'.repeat(MAX_LINE_BYTES) }],
    ['text_too_long', '1.0.0', { text: 'x'.repeat(MAX_LINE_BYTES) }],
    ['request_invalid', '2.1.0', { engineOptions: { big: 1n } }],
  ] as const)('does not send what would end every child: %s in %s', (code, version, request) => {
    const connection = version === '1.0.0' ? readyBare() : ready(version);
    const before = child.written.length;
    connection.speak(call('a', request));
    expect(reported).toEqual([]);
    clock.advance(0);
    expect(reported).toEqual([['failed', 'a', code, expect.any(String)]]);
    expect(child.written).toHaveLength(before);
    expect(files.left).toEqual([]);
  });

  it('logs noise, but not for ever, and never chokes on it', () => {
    ready('2.1.0');
    const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
    child.say(`{"version":"2.1.0","type":${deep}}\n`);
    child.say(`${'x'.repeat(5_000)}\n`);
    child.sayObject({ status: 'a bare object' });
    for (let count = 0; count < 100; count += 1) child.say('again\n');
    expect(logged).toHaveLength(20);
    expect(logged.slice(0, 4).map(({ excerpt }) => excerpt)).toEqual([
      'an object of version, type',
      'x'.repeat(200),
      'an object of status',
      'again',
    ]);
  });
});

describe('2.0', () => {
  it('takes sound from the file it asked for, and removes it', async () => {
    const connection = ready('2.0.0');
    connection.speak(call('a'));
    const path = leaveSound(1, 2);
    child.respond('a', { type: 'audio', encoding: 'wav', output_path: path }, '2.0.0');
    child.respond('a', { type: 'audio', encoding: 'wav', output_path: path }, '2.0.0');
    await clock.settle();
    expect(reported).toEqual([spoken('a', 1, 2)]);
    expect(files.left).toEqual([]);
  });

  it('takes sound from the line, and a path that was not needed is let go', () => {
    const connection = ready('2.0.0');
    connection.speak(call('a'));
    connection.speak(call('b'));
    const text = Buffer.from(pcm(5)).toString('base64');
    const audio = { type: 'audio', encoding: 'pcm_s16le', sample_rate: 16_000 };
    child.respond('a', { ...audio, audio_base64: text }, '2.0.0');
    child.respond('b', { ...audio, audio_base64: 'no base64!' }, '2.0.0');
    expect(reported).toEqual([spoken('a', 5), ['failed', 'b', 'model_failed', expect.any(String)]]);
    expect(files.left).toEqual([]);
  });

  it.each(['/etc/passwd', '/sounds/2.wav', '/sounds/../sounds/1.wav', ''])(
    'does not read %s',
    async (path) => {
      const connection = ready('2.0.0');
      connection.speak(call('a'));
      connection.speak(call('b'));
      const other = leaveSound(2);
      child.respond('a', { type: 'audio', encoding: 'wav', output_path: path }, '2.0.0');
      await clock.settle();
      expect(reported).toEqual([['failed', 'a', 'model_failed', FOREIGN]]);
      child.respond('b', { type: 'audio', encoding: 'wav', output_path: other }, '2.0.0');
      await clock.settle();
      expect(reported.at(-1)).toEqual(spoken('b', 2));
      expect(files.left).toEqual([]);
    },
  );

  it.each([
    ['is not there', undefined, 'audio_missing'],
    ['is no sound', Uint8Array.of(1, 2, 3), 'model_failed'],
  ])('reports to the caller a file that %s', async (_, contents, code) => {
    const connection = ready('2.0.0');
    connection.speak(call('a'));
    const path = leaveSound();
    files.contents.delete(path);
    if (contents !== undefined) files.contents.set(path, contents);
    child.respond('a', { type: 'audio', output_path: path }, '2.0.0');
    await clock.settle();
    expect(reported).toEqual([['failed', 'a', code, expect.any(String)]]);
    expect(files.left).toEqual([]);
  });

  it('removes the file of a call that failed, and of one that never ended', () => {
    const connection = ready('2.0.0');
    connection.speak(call('a'));
    connection.speak(call('b'));
    child.respond('a', { type: 'error', message: 'm' });
    expect(files.left).toEqual(['/sounds/2.wav']);
    child.end();
    expect(files.left).toEqual([]);
  });

  it('reports what was answered before the end, and nothing after it', async () => {
    const connection = ready('2.0.0');
    const open = files.hold();
    for (const id of ['a', 'b', 'c']) connection.speak(call(id));
    files.contents.set('/sounds/1.wav', wav(1));
    child.respond('a', { type: 'audio', output_path: '/sounds/1.wav' });
    child.respond('b', { type: 'audio', output_path: '/sounds/2.wav' });
    child.end('exit code 0');
    child.end('twice');
    child.respondRaw('c', pcm(1));
    child.announce({ type: 'ready' });
    connection.speak(call('d'));
    connection.ping();
    await clock.settle();
    expect(reported).toEqual([]);
    open();
    await clock.advanceAsync(10_000);
    expect(reported).toEqual([
      spoken('a', 1),
      ['failed', 'b', 'audio_missing', expect.any(String)],
      ['end', 'exit code 0'],
    ]);
    expect(files.left).toEqual([]);
  });
});

describe('1.0', () => {
  it('gives answers to calls in order', async () => {
    const connection = readyBare();
    connection.speak(call('a'));
    child.sayObject({ success: true, output_path: leaveSound(1) });
    await clock.settle();
    connection.speak(call('b'));
    child.sayObject({ success: false, error: 'no such voice', details: null });
    connection.speak(call('c'));
    child.sayObject({ success: true, output_path: leaveSound(3) });
    await clock.settle();
    expect(reported).toEqual([
      spoken('a', 1),
      ['failed', 'b', 'voice_not_found', 'no such voice'],
      spoken('c', 3),
    ]);
    expect(files.left).toEqual([]);
  });

  it.each([[{ output_path: '/etc/passwd' }], [{ output_path: null }], [{}]])(
    'refuses an answer that says %j',
    async (answer) => {
      const connection = readyBare();
      connection.speak(call('a'));
      leaveSound(1);
      child.sayObject({ success: true, ...answer });
      await clock.settle();
      expect(reported).toEqual([['failed', 'a', 'model_failed', FOREIGN]]);
      expect(files.left).toEqual([]);
    },
  );

  it('never gives a late answer to another call', async () => {
    const connection = readyBare();
    connection.speak(call('a'));
    const late = leaveSound(1);
    child.sayObject({ success: false, error: 'busy' });
    connection.speak(call('b'));
    const path = leaveSound(2);
    child.sayObject({ success: true, output_path: late });
    child.sayObject({ success: true, output_path: path });
    child.sayObject({ success: true, output_path: path });
    await clock.settle();
    expect(reported).toEqual([['failed', 'a', expect.any(String), 'busy'], spoken('b', 2)]);
    expect(files.left).toEqual([]);
  });

  it.each([
    ['after 5 s', () => clock.advance(5_000)],
    ['after a greeting', () => child.sayObject({ status: 'loading' })],
  ])('keeps the complaint about hello from the first call: %s', async (_, fallBack) => {
    const connection = connect();
    fallBack();
    connection.speak(call('a'));
    child.sayObject({ success: false, error: 'unknown type: request' });
    child.sayObject({ success: true, output_path: leaveSound(1) });
    await clock.settle();
    expect(reported.slice(1)).toEqual([spoken('a', 1)]);
  });

  it('has no ping and no cancel, and leaves when its input ends', () => {
    const connection = readyBare();
    connection.ping();
    connection.cancel('a');
    connection.leave();
    expect(child.written).toEqual([]);
    expect(child.isInputClosed).toBe(true);
  });

  it('removes the files of calls that never ended', () => {
    const connection = readyBare();
    connection.speak(call('a'));
    child.end();
    child.sayObject({ success: true, output_path: '/sounds/1.wav' });
    expect(files.left).toEqual([]);
    expect(reported).toEqual([['end', 'exit code 0']]);
  });
});

describe('the end', () => {
  it.each(['before hello', 'after hello', 'in 1.0'])(
    'is reported with the reason that the child gave, %s',
    (when) => {
      connect();
      if (when === 'after hello') child.hello();
      if (when === 'in 1.0') clock.advance(5_000);
      reported.length = 0;
      child.announce({ type: 'failed', code: 'model_loading_failed', message: 'the weights are torn' });
      child.announce({ type: 'failed', message: 'and another thing' });
      expect(reported).toEqual([]);
      child.end('exit code 1');
      expect(reported).toEqual([['end', 'the weights are torn (exit code 1)']]);
    },
  );

  it('is its owner’s to bring about', () => {
    const connection = connect();
    connection.kill();
    expect(child.kills).toBe(1);
    connection.leave();
    expect(child.isInputClosed).toBe(true);
  });
});
