import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bare, hello, request, synthesize } from './requests.ts';
import { said, startChild, temporaryFolder } from './speech-child.ts';
import { toneOf } from './tone.ts';

const cancel = (id: string): Record<string, unknown> => request({ type: 'cancel', correlation_id: id });
const typeOf = (message: Readonly<Record<string, unknown>>): unknown =>
  (message['payload'] as Record<string, unknown>)['type'];

describe('jobs', () => {
  test('answers belong to their requests, however they are mixed', async () => {
    const child = startChild();
    const ids = Array.from({ length: 200 }, (_, index) => `req-${index}`);
    for (const [index, id] of ids.entries()) {
      const version = index % 3 === 0 ? '2.0.0' : '2.1.0';
      void child.send(synthesize(`text of ${id}`, id, { voice: index % 2 === 0 ? 'low' : 'high' }, version));
      if (index % 7 === 0) void child.send(request({ type: 'ping' }, `ping-${index}`));
    }
    for (const [index, id] of ids.entries()) {
      const { message, raw } = await child.answer(id);
      const payload = message['payload'] as Record<string, string>;
      const sound = raw ?? Buffer.from(payload['audio_base64'] ?? '', 'base64');
      expect(sound).toEqual(toneOf(`text of ${id}`, index % 2 === 0 ? 'low' : 'high'));
    }
    const answered = child.frames.map(({ message }) => message['metadata'] as Record<string, string>);
    expect(new Set(answered.map((metadata) => metadata?.['correlationId']).filter(Boolean)).size).toBe(229);
    expect(new Set(child.frames.map(({ message }) => message['messageId'])).size).toBe(child.frames.length);
  });

  test.each(['!wait', '!spin', '!gate'])('answers ping while the model works: %s', async (text) => {
    const child = startChild();
    const gate = join(temporaryFolder(), 'gate');
    await child.send(synthesize('before', 'before'));
    await child.send(synthesize(`${text} ${gate}`, 'long'));
    await child.logged(`tone: speaking ${text}`);
    await child.send(request({ type: 'ping' }, 'ping'));
    expect(await said(child.answer('ping'))).toEqual({
      type: 'pong',
      jobs_done: 1,
      model: 'tone-1',
      rss_bytes: expect.any(Number),
    });
    expect(child.frames.some(({ message }) => JSON.stringify(message).includes('"long"'))).toBe(false);
    if (text === '!wait') await child.send(cancel('long'));
    else writeFileSync(gate, '');
    await child.answer('long');
  });

  test('cancel drops a queued job at once, and stops a running one', async () => {
    const child = startChild();
    await child.send(synthesize('!wait', 'running'));
    await child.send(synthesize('dropped', 'queued'));
    await child.send(synthesize('kept', 'kept'));
    await child.logged('tone: speaking !wait');
    await child.send(cancel('queued'));
    expect(await said(child.answer('queued'))).toMatchObject({ type: 'error', code: 'job_cancelled' });
    expect(child.frames.filter(({ message }) => message['type'] === 'response')).toHaveLength(1);
    await child.send(cancel('running'));
    await child.send(cancel('running'));
    await child.send(cancel('nobody'));
    expect(await said(child.answer('running'))).toMatchObject({ type: 'error', code: 'job_cancelled' });
    expect((await child.answer('kept')).raw).toEqual(toneOf('kept'));
    await child.send(cancel('kept'));
    await child.send(request({ type: 'ping' }, 'last'));
    await child.answer('last');
    expect(child.frames.filter(({ message }) => message['type'] === 'response')).toHaveLength(4);
  });

  test('a cancelled job that could not be stopped ends once, as cancelled', async () => {
    const child = startChild();
    const gate = join(temporaryFolder(), 'gate');
    await child.send(synthesize(`!gate ${gate}`, 'stubborn'));
    await child.logged('tone: speaking !gate');
    await child.send(cancel('stubborn'));
    await child.send(request({ type: 'ping' }, 'ping'));
    await child.answer('ping');
    writeFileSync(gate, '');
    expect(await said(child.answer('stubborn'))).toMatchObject({ code: 'job_cancelled' });
  });

  test('a job that is cancelled while the model loads is dropped', async () => {
    const gate = join(temporaryFolder(), 'gate');
    const child = startChild({ options: { load: `gate:${gate}` } });
    await child.send(synthesize('early', 'early'));
    await child.send(cancel('early'));
    expect(await said(child.answer('early'))).toMatchObject({ code: 'job_cancelled' });
  });

  test('more than it can hold is refused', async () => {
    const child = startChild();
    await child.send(synthesize('!wait', 'running'));
    await child.logged('tone: speaking !wait');
    const lines = Array.from({ length: 1025 }, (_, index) =>
      JSON.stringify(synthesize('text', `req-${index}`)),
    );
    await child.write(`${lines.join('\n')}\n`);
    expect(await said(child.answer('req-1024'))).toMatchObject({ code: 'queue_full' });
    expect(child.frames.filter(({ message }) => message['type'] === 'response')).toHaveLength(1);
  });

  test('pong reports memory that is not given back', async () => {
    const child = startChild();
    const rss = async (id: string): Promise<number> => {
      await child.send(request({ type: 'ping' }, id));
      return (await said(child.answer(id)))['rss_bytes'] as number;
    };
    const before = await rss('before');
    await child.send(synthesize('!leak 64', 'leak'));
    await child.answer('leak');
    expect((await rss('after')) - before).toBeGreaterThan(60 * 2 ** 20);
  });
});

describe('1.0 is answered in order', () => {
  test('though a refusal needs no work', async () => {
    const child = startChild();
    const folder = temporaryFolder();
    const path = join(folder, 'sound.wav');
    await child.send(bare(`!gate ${join(folder, 'gate')}`, path));
    await child.logged('tone: speaking !gate');
    await child.send(bare(null, path));
    await child.send(bare('third', path));
    await child.send({ type: 'ping' });
    await child.send(request({ type: 'ping' }, 'all is read'));
    await child.answer('all is read');
    expect(child.frames.some(({ message }) => message['version'] === undefined)).toBe(false);
    writeFileSync(join(folder, 'gate'), '');
    await child.bare(3);
    const answers = child.frames.filter(({ message }) => message['version'] === undefined);
    expect(answers.map(({ message }) => message['success'])).toEqual([true, false, true, false]);
  });

  test('also when it leaves', async () => {
    const child = startChild({ versions: '1.0.0' });
    const folder = temporaryFolder();
    await child.send(bare(`!gate ${join(folder, 'gate')}`, join(folder, 'sound.wav')));
    await child.send(bare('never', join(folder, 'never.wav')));
    await child.send(bare(null, 'nowhere'));
    await child.logged('tone: speaking !gate');
    await child.logged('a request was refused');
    child.signal('SIGTERM');
    await child.logged('leaving on request');
    writeFileSync(join(folder, 'gate'), '');
    expect(await child.ended).toEqual({ code: 0, signal: null });
    expect(child.frames.map(({ message }) => message['code'])).toEqual([
      undefined,
      'job_cancelled',
      'request_invalid',
    ]);
  });
});

describe('shutdown', () => {
  test.each(['shutdown', 'SIGTERM'])('%s lets the running job end and cancels the rest', async (how) => {
    const child = startChild();
    const folder = temporaryFolder();
    await child.send(hello());
    await child.send(synthesize(`!gate ${join(folder, 'gate')}`, 'running'));
    await child.send(synthesize('queued', 'queued'));
    await child.send(bare('queued too', join(folder, 'never.wav')));
    await child.send(bare('and this', join(folder, 'never.wav')));
    await child.logged('tone: speaking !gate');
    if (how === 'SIGTERM') {
      // All that was sent is read, when this is answered.
      await child.send(request({ type: 'ping' }, 'read'));
      await child.answer('read');
      child.signal('SIGTERM');
    } else await child.send(request({ type: 'shutdown' }));
    expect(await said(child.answer('queued'))).toMatchObject({ code: 'job_cancelled' });
    expect(await child.bare(1)).toMatchObject({ success: false, code: 'job_cancelled' });
    await child.send(synthesize('late', 'late'));
    await child.send(request({ type: 'ping' }, 'ping'));
    expect(await said(child.answer('late'))).toMatchObject({ code: 'job_cancelled' });
    await child.answer('ping');
    writeFileSync(join(folder, 'gate'), '');
    expect((await child.answer('running')).raw).toEqual(toneOf(`!gate ${join(folder, 'gate')}`));
    expect(await child.ended).toEqual({ code: 0, signal: null });
  });

  test.each(['shutdown', 'SIGTERM'])('%s ends an idle child', async (how) => {
    const child = startChild();
    await child.send(hello());
    await child.event('ready');
    if (how === 'SIGTERM') child.signal('SIGTERM');
    else await child.send(request({ type: 'shutdown' }, null));
    expect(await child.ended).toEqual({ code: 0, signal: null });
  });

  test('a model that still loads is not waited for', async () => {
    const child = startChild({ options: { load: 'hang' } });
    await child.send(hello());
    await child.send(synthesize('early', 'early'));
    await child.answer('hello');
    await child.send(request({ type: 'shutdown' }));
    expect(await child.ended).toEqual({ code: 0, signal: null });
    expect(child.frames.map(({ message }) => typeOf(message))).toEqual(['hello', 'error']);
  });

  test('the last answer is whole, however slowly it is read', async () => {
    const child = startChild();
    await child.send(synthesize(`!give ${2 ** 23}`, 'big'));
    await child.logged('tone: speaking !give');
    child.stdout.pause();
    await child.send(request({ type: 'shutdown' }));
    setImmediate(() => child.stdout.resume());
    expect((await child.answer('big')).raw).toHaveLength(2 ** 23);
    expect(await child.ended).toEqual({ code: 0, signal: null });
  });

  test('Ctrl-C is for the manager, which then says shutdown', async () => {
    const child = startChild();
    const gate = join(temporaryFolder(), 'gate');
    await child.send(synthesize(`!gate ${gate}`, 'running'));
    await child.logged('tone: speaking !gate');
    child.signal('SIGINT');
    await child.send(request({ type: 'ping' }, 'ping'));
    await child.answer('ping');
    writeFileSync(gate, '');
    expect((await child.answer('running')).raw).toEqual(toneOf(`!gate ${gate}`));
  });
});
