import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bare, hello, request, synthesize } from './requests.ts';
import { said, startChild, temporaryFolder } from './speech-child.ts';
import { readWav, toneOf } from './tone.ts';

describe('the three versions', () => {
  test('2.1 sends the sound as raw bytes after its line', async () => {
    const child = startChild();
    await child.send(
      synthesize('Hello world', 'req-1', { speed: 1.5, voice: 'low', output_path: '/no/such' }),
    );
    const { message, raw } = await child.answer('req-1');
    expect(message).toMatchObject({
      version: '2.1.0',
      type: 'response',
      payload: { type: 'audio', encoding: 'pcm_s16le', sample_rate: 16_000 },
      metadata: { correlationId: 'req-1' },
      byteLength: raw?.length,
    });
    expect(message['timestamp']).toBeGreaterThan(1_640_995_200_000);
    expect(raw).toEqual(toneOf('Hello world', 'low', 1.5));
  });

  test('2.0 sends it as base64, or writes a WAV file', async () => {
    const child = startChild();
    const path = join(temporaryFolder(), 'sound.wav');
    await child.send(synthesize('in the line', 'req-1', {}, '2.0.0'));
    await child.send(synthesize('in a file', 'req-2', { output_path: path }, '2.0.0'));
    const inLine = await child.answer('req-1');
    expect(inLine.message).toMatchObject({ version: '2.0.0', type: 'response' });
    expect(inLine.message).not.toHaveProperty('byteLength');
    expect(await said(child.answer('req-1'))).toEqual({
      type: 'audio',
      encoding: 'pcm_s16le',
      sample_rate: 16_000,
      audio_base64: toneOf('in the line').toString('base64'),
    });
    expect(await said(child.answer('req-2'))).toEqual({
      type: 'audio',
      encoding: 'wav',
      sample_rate: 16_000,
      output_path: path,
    });
    expect(readWav(readFileSync(path))).toEqual({ sampleRateHz: 16_000, samples: toneOf('in a file') });
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  test('1.0 answers bare, in order, with whole files', async () => {
    const child = startChild();
    const folder = temporaryFolder();
    const paths = ['a', 'b'].map((name) => join(folder, `${name}.wav`));
    await child.send(bare('first', paths[0]));
    await child.send(bare('second', paths[1], { voice: 'high', speed: 2, language: 'en', priority: null }));
    await child.send(bare('third', join(folder, 'c.wav'), { voice: 'nobody' }));
    expect(await child.bare(0)).toEqual({ success: true, output_path: paths[0] });
    expect(await child.bare(1)).toEqual({ success: true, output_path: paths[1] });
    expect(await child.bare(2)).toEqual({
      success: false,
      error: "There is no voice 'nobody'.",
      code: 'voice_not_found',
    });
    expect(readWav(readFileSync(paths[0]!)).samples).toEqual(toneOf('first'));
    expect(readWav(readFileSync(paths[1]!)).samples).toEqual(toneOf('second', 'high', 2));
    expect(child.frames).toHaveLength(3);
  });

  test('each line is answered in its own version, whatever came before', async () => {
    const child = startChild();
    const path = join(temporaryFolder(), 'sound.wav');
    await child.send(hello());
    await child.send(synthesize('raw', 'req-1'));
    await child.send(bare('a file', path));
    await child.send(synthesize('base64', 'req-2', {}, '2.0.0'));
    // A manager that knows more knows 2.1 too; unknown fields are ignored.
    await child.send({ ...synthesize('newer', 'req-3', { later: [1] }, '2.7.1'), more: {} });
    expect((await child.answer('req-1')).raw).toEqual(toneOf('raw'));
    expect(await child.bare(0)).toEqual({ success: true, output_path: path });
    expect((await child.answer('req-2')).message['version']).toBe('2.0.0');
    expect((await child.answer('req-3')).raw).toEqual(toneOf('newer'));
  });

  test('sound that fits into no line is refused in 2.0, and not in 2.1', async () => {
    const child = startChild();
    await child.send(synthesize('!give 780000', 'fits', {}, '2.0.0'));
    await child.send(synthesize('!give 900000', 'too-long', {}, '2.0.0'));
    await child.send(synthesize('!give 900000', 'raw'));
    expect((await said(child.answer('fits')))['audio_base64']).toHaveLength(1_040_000);
    expect(await said(child.answer('too-long'))).toMatchObject({ code: 'text_too_long', retryable: false });
    expect((await child.answer('raw')).raw).toHaveLength(900_000);
  });

  test('raw bytes end at 64 MiB', async () => {
    const child = startChild();
    await child.send(synthesize(`!give ${2 ** 26}`, 'most'));
    await child.send(synthesize(`!give ${2 ** 26 + 2}`, 'too-much'));
    expect((await child.answer('most')).raw).toHaveLength(2 ** 26);
    expect(await said(child.answer('too-much'))).toMatchObject({ code: 'text_too_long' });
  });

  test('raw bytes may look like the protocol', async () => {
    const child = startChild();
    await child.send(synthesize('!give lines', 'req-1'));
    await child.send(synthesize('after', 'req-2'));
    expect((await child.answer('req-1')).raw?.toString()).toContain('{"version":"2.1.0","type":"response"');
    expect((await child.answer('req-2')).raw).toEqual(toneOf('after'));
  });
});

describe('negotiation', () => {
  test.each([
    { ours: undefined, theirs: ['2.1.0', '2.0.0', '1.0.0'], chosen: '2.1.0' },
    { ours: undefined, theirs: ['2.0.0', '1.0.0'], chosen: '2.0.0' },
    { ours: '2.0.0,1.0.0', theirs: ['2.1.0', '2.0.0', '1.0.0'], chosen: '2.0.0' },
    { ours: undefined, theirs: ['9.0.0', '1.0.0'], chosen: '1.0.0' },
    { ours: '2.1.0', theirs: null, chosen: '2.1.0' },
  ])('$ours meets $theirs: $chosen', async ({ ours, theirs, chosen }) => {
    const child = startChild(ours === undefined ? {} : { versions: ours });
    await child.send(request({ type: 'hello', versions: theirs }, 'hello'));
    expect(await said(child.answer('hello'))).toEqual({
      type: 'hello',
      version: chosen,
      engine: 'tone',
      concurrency: 1,
      models: ['tone-1', 'tone-2'],
      pid: child.pid,
    });
  });

  test('hello is answered before the model is there, and ready comes once, after it', async () => {
    const gate = join(temporaryFolder(), 'gate');
    const child = startChild({ options: { load: `gate:${gate}` } });
    await child.logged('tone: loading');
    await child.send(hello(['2.0.0']));
    await child.answer('hello');
    await child.send(request({ type: 'ping' }, 'ping'));
    expect(await said(child.answer('ping'))).not.toHaveProperty('model');
    await child.send(synthesize('early', 'req-1'));
    writeFileSync(gate, '');
    expect((await child.event('ready')).message).toMatchObject({
      version: '2.0.0',
      payload: { type: 'ready', model: 'tone-1' },
    });
    expect((await child.answer('req-1')).raw).toEqual(toneOf('early'));
    expect(child.frames.map(({ message }) => (message['payload'] as { type: string }).type)).toEqual([
      'hello',
      'pong',
      'ready',
      'audio',
    ]);
  });

  test('a model that is there at once keeps ready until hello is answered', async () => {
    const child = startChild();
    await child.logged('tone: loading');
    await child.send(hello());
    await child.event('ready');
    expect(child.frames.map(({ message }) => message['type'])).toEqual(['response', 'event']);
  });

  test('a child of 1.0 answers hello as an old one would, and knows no events', async () => {
    const child = startChild({ versions: '1.0.0' });
    const path = join(temporaryFolder(), 'sound.wav');
    await child.send(hello());
    await child.send(bare('still here', path));
    expect(await child.bare(0)).toMatchObject({ success: false, code: 'request_invalid' });
    expect(await child.bare(1)).toEqual({ success: true, output_path: path });
    expect(child.frames).toHaveLength(2);
  });

  test('a version that is not spoken is refused, not guessed', async () => {
    const child = startChild({ versions: '2.0.0' });
    await child.send(hello(['2.1.0']));
    await child.send(bare('a file', '/tmp/never.wav'));
    await child.send(synthesize('three', 'three', {}, '3.0.0'));
    await child.send(synthesize('newer', 'newer', {}, '2.1.0'));
    expect(await said(child.answer('hello'))).toMatchObject({ type: 'error', code: 'request_invalid' });
    expect(await child.bare(0)).toMatchObject({ success: false, code: 'request_invalid' });
    expect(await said(child.answer('three'))).toMatchObject({ type: 'error', code: 'request_invalid' });
    expect(await said(child.answer('newer'))).toMatchObject({ audio_base64: expect.any(String) });
  });
});
