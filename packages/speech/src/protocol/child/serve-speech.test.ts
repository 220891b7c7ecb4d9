import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TalebackError } from '@taleback/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseWav } from '../../audio/wav.ts';
import { MAX_RAW_BYTES } from '../protocol.ts';
import { type FakeHost, type Said, soundOf, startHost } from '../../../test/protocol/fake-host.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'taleback-serve-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const request = (id: string, payload: object, version = '2.1.0'): object => ({
  version,
  type: 'request',
  payload,
  metadata: { correlationId: id, workerId: 'w', retryCount: 0 },
});
const synthesize = (id: string, text: string, more: object = {}, version?: string): object =>
  request(id, { type: 'synthesize', text, voice: 'v', ...more }, version);
const cancel = (id: string): object => request(`cancel-${id}`, { type: 'cancel', correlation_id: id });

const payload = ({ message }: Said): Record<string, unknown> => message['payload'] as Record<string, unknown>;
const idOf = ({ message }: Said): string | undefined =>
  (message['metadata'] as { correlationId: string } | undefined)?.correlationId;
const inShort = (said: Said): string =>
  `${idOf(said) ?? 'event'} ${String(payload(said)['code'] ?? payload(said)['type'])}`;
const samplesOf = ({ raw }: Said): Int16Array => new Int16Array(Uint8Array.from(raw ?? []).buffer);
const spokenAs = (text: string): Int16Array => soundOf(text).samples;

const startLoaded = async (): Promise<FakeHost> => {
  const host = startHost();
  host.loaded();
  await host.clock.settle();
  return host;
};

describe('hello', () => {
  it('is answered before the engine is loaded; ready follows once', async () => {
    const host = startHost();
    host.hearObject(request('h', { type: 'hello', versions: ['2.1.0', '1.0.0'] }));
    expect(host.said.map(({ message }) => message)).toEqual([
      {
        version: '2.1.0',
        messageId: 'child-1',
        timestamp: 1_000,
        type: 'response',
        payload: { type: 'hello', version: '2.1.0', engine: 'paced', concurrency: 4, pid: process.pid },
        metadata: { correlationId: 'h' },
      },
    ]);
    await host.clock.settle();
    expect(host.said).toHaveLength(1);
    host.loaded();
    await host.clock.settle();
    host.hearObject(request('again', { type: 'hello', versions: ['2.1.0'] }));
    expect(host.said.map(inShort)).toEqual(['h hello', 'event ready', 'again hello']);
    expect(payload(host.said[1] as Said)).toEqual({ type: 'ready', model: 'paced' });
  });

  it.each([
    [['2.1.0', '2.0.0', '1.0.0'], '2.1.0'],
    [['1.0.0', '9.0.0', '2.0.0'], '2.0.0'],
    [['9.0.0', '1.0.0'], '1.0.0'],
  ])('chooses of %j: %s', async (versions, chosen) => {
    const host = await startLoaded();
    host.hearObject(request('h', { type: 'hello', versions }));
    expect(payload(host.said[0] as Said)['version']).toBe(chosen);
    expect(host.said.slice(1).map(({ message }) => message['version'])).toEqual(
      chosen === '1.0.0' ? [] : [chosen],
    );
  });
});

describe('a model that cannot be loaded', () => {
  it('is reported to waiting callers, then to the manager, then the child leaves', async () => {
    const host = startHost();
    host.hearObject(request('h', { type: 'hello', versions: ['2.1.0'] }));
    host.hearObject(synthesize('a', 'early'));
    host.failLoading(new TalebackError('gpu_out_of_memory', 'no room'));
    await host.clock.settle();
    expect(host.said.map(inShort)).toEqual(['h hello', 'a gpu_out_of_memory', 'event gpu_out_of_memory']);
    expect(payload(host.said[2] as Said)).toMatchObject({ type: 'failed', message: 'no room' });
    expect(host.exits).toEqual([]);
    host.flush();
    expect(host.exits).toEqual([1]);
    expect(host.logged.join()).toContain('no room');
  });

  it('is reported also to a manager that has not spoken', async () => {
    const host = startHost();
    host.failLoading('the weights are torn');
    await host.clock.settle();
    host.flush();
    expect(host.said.map(inShort)).toEqual(['event model_loading_failed']);
    expect(host.exits).toEqual([1]);
  });

  it('is no event in 1.0', async () => {
    const host = startHost();
    host.hearObject({ type: 'synthesize', text: 't', output_path: join(folder, 'never.wav') });
    host.failLoading(new Error('torn'));
    await host.clock.settle();
    host.flush();
    expect(host.said.map(({ message }) => message['success'])).toEqual([false]);
    expect(host.exits).toEqual([1]);
  });
});

describe('synthesize', () => {
  it('answers in 2.1 with raw bytes, as each is done', async () => {
    const host = await startLoaded();
    host.hearObject(synthesize('slow', '20 ms'));
    host.hearObject(synthesize('quick', '10 ms'));
    host.hearObject(synthesize('bad', '15 fail'));
    await host.clock.advanceAsync(20);
    expect(host.said.map(inShort)).toEqual(['quick audio', 'bad model_failed', 'slow audio']);
    expect(samplesOf(host.said[0] as Said)).toEqual(spokenAs('v:10 ms'));
    expect(samplesOf(host.said[2] as Said)).toEqual(spokenAs('v:20 ms'));
    expect(host.said[0]?.message).toMatchObject({
      version: '2.1.0',
      payload: { encoding: 'pcm_s16le', sample_rate: 16_000 },
      byteLength: spokenAs('v:10 ms').byteLength,
    });
    expect((payload(host.said[1] as Said)['message'] as string).length).toBe(2_000);
  });

  it('answers in 2.0 in the line, or in the file that was named', async () => {
    const host = await startLoaded();
    const path = join(folder, '2.0.wav');
    host.hearObject(synthesize('line', 'a', {}, '2.0.0'));
    host.hearObject(synthesize('file', 'b', { output_path: path }, '2.0.0'));
    await host.clock.settle();
    expect(host.said.map(({ message }) => message['version'])).toEqual(['2.0.0', '2.0.0']);
    const [inLine, inFile] = host.said.map(payload);
    expect(parseWav(Buffer.from(inLine?.['audio_base64'] as string, 'base64')).samples).toEqual(
      spokenAs('v:a'),
    );
    expect(inFile).toEqual({ type: 'audio', encoding: 'wav', output_path: path });
    expect(parseWav(readFileSync(path)).samples).toEqual(spokenAs('v:b'));
  });

  it('answers in 1.0 with a file, one after the other', async () => {
    const host = await startLoaded();
    const paths = ['a', 'b'].map((name) => join(folder, `${name}.wav`));
    host.hearObject({ type: 'synthesize', text: '30 first', output_path: paths[0] });
    host.hearObject({ type: 'sing' });
    host.hearObject({ version: null, type: 'synthesize', text: 'second', voice: 'w', output_path: paths[1] });
    await host.clock.advanceAsync(29);
    expect(host.said).toEqual([]);
    await host.clock.advanceAsync(1);
    expect(host.said.map(({ message }) => message)).toEqual([
      { success: true, output_path: paths[0] },
      {
        success: false,
        error: 'The request cannot be read: type must be synthesize.',
        code: 'request_invalid',
      },
      { success: true, output_path: paths[1] },
    ]);
    expect(paths.map((path) => parseWav(readFileSync(path)).samples)).toEqual([
      spokenAs('first:30 first'),
      spokenAs('w:second'),
    ]);
  });

  it('reports a file that cannot be written', async () => {
    const host = await startLoaded();
    const output_path = join(folder, 'no such folder', 'a.wav');
    host.hearObject({ type: 'synthesize', text: 'a', output_path });
    host.hearObject(synthesize('b', 'b', { output_path }, '2.0.0'));
    await host.clock.settle();
    expect(host.said.map(({ message }) => message['success'] ?? message['type'])).toEqual([
      'response',
      false,
    ]);
    expect(payload(host.said[0] as Said)['type']).toBe('error');
  });

  it.each([
    ['request_invalid', () => join(folder, 'none', 'a.wav')],
    ['request_invalid', () => folder],
    ['request_invalid', () => join(folder, 'a\0b.wav')],
    ['request_invalid', () => join(folder, 'a'.repeat(300))],
    ['disk_full', () => '/dev/full'],
  ])('answers %s where no sound can be written, as a Python child does', async (code, path) => {
    const host = await startLoaded();
    host.hearObject(synthesize('b', 'b', { output_path: path() }, '2.0.0'));
    await host.clock.settle();
    expect(host.said.map(payload)).toMatchObject([{ type: 'error', code }]);
  });

  it('never says a line or sound that would end the connection', async () => {
    const host = await startLoaded();
    host.hearObject(synthesize('line', 'long 400000', {}, '2.0.0'));
    host.hearObject(synthesize('raw', `long ${MAX_RAW_BYTES / 2 + 1}`));
    host.hearObject(synthesize('most', `long ${MAX_RAW_BYTES / 2}`));
    await host.clock.settle();
    expect(host.said.map(inShort).sort()).toEqual(['line text_too_long', 'most audio', 'raw text_too_long']);
    expect(host.strays).toEqual([]);
  });
});

describe('cancel', () => {
  it('stops one request, which is answered once', async () => {
    const host = await startLoaded();
    host.hearObject(synthesize('a', '10 a'));
    host.hearObject(synthesize('b', '10 b'));
    host.hearObject(cancel('a'));
    host.hearObject(cancel('a'));
    host.hearObject(cancel('nobody'));
    await host.clock.advanceAsync(10);
    host.hearObject(cancel('b'));
    await host.clock.advanceAsync(10);
    expect(host.said.map(inShort)).toEqual(['a job_cancelled', 'b audio']);
  });

  it('reaches a request that waits for the engine', async () => {
    const host = startHost();
    host.hearObject(synthesize('a', 'a'));
    host.hearObject(cancel('a'));
    host.loaded();
    await host.clock.settle();
    expect(host.said.map(inShort)).toEqual(['event ready', 'a job_cancelled']);
  });
});

describe('ping', () => {
  it('is answered at once, while the child loads and speaks', async () => {
    const host = startHost();
    const ping = (id: string): void => host.hearObject(request(id, { type: 'ping' }, '2.0.0'));
    ping('p1');
    expect(payload(host.said[0] as Said)).toEqual({
      type: 'pong',
      rss_bytes: expect.any(Number),
      jobs_done: 0,
    });
    host.loaded();
    host.hearObject(synthesize('a', 'a'));
    host.hearObject(synthesize('b', '10 b'));
    await host.clock.settle();
    ping('p2');
    expect(host.said.map(inShort)).toEqual(['p1 pong', 'event ready', 'a audio', 'p2 pong']);
    expect(payload(host.said[3] as Said)).toMatchObject({ jobs_done: 1, model: 'paced' });
    expect(host.said[3]?.message['version']).toBe('2.0.0');
  });
});

describe('what cannot be read', () => {
  it('is answered when it has an address, else logged', async () => {
    const host = await startLoaded();
    host.hearObject(synthesize('a', 'a', { speed: 'fast' }));
    host.hearObject(request('b', { type: 'sing' }));
    host.hear('{"version":"2.1.0","type":"request"}\nnoise\n{}\n');
    host.hearObject({ version: '2.1.0', type: 'response', payload: {}, metadata: { correlationId: 'c' } });
    await host.clock.settle();
    expect(host.said.map(inShort)).toEqual(['a request_invalid', 'b request_invalid']);
    expect(payload(host.said[0] as Said)).toMatchObject({
      retryable: false,
      message: expect.stringContaining('speed'),
    });
    expect(host.logged).toHaveLength(6);
  });
});

describe('leaving', () => {
  const shutdown = request('s', { type: 'shutdown' });

  it('waits for what is being spoken, and for the last answer to be out', async () => {
    const host = await startLoaded();
    host.hearObject(synthesize('a', '10 a'));
    host.hearObject(shutdown);
    host.hearObject(synthesize('late', 'late'));
    host.hearObject(request('p', { type: 'ping' }));
    await host.clock.advanceAsync(10);
    expect(host.said.map(inShort)).toEqual(['p pong', 'late job_cancelled', 'a audio']);
    expect(host.exits).toEqual([]);
    host.hearObject(request('p2', { type: 'ping' }));
    host.flush();
    expect(host.said).toHaveLength(3);
    host.hearEvent('end');
    expect(host.exits).toEqual([0]);
  });

  it('is at once when nothing is being spoken', () => {
    const host = startHost();
    host.hearObject(shutdown);
    host.flush();
    expect(host.exits).toEqual([0]);
  });

  it.each(['end', 'close', 'error'] as const)('is at once when standard input says %s', async (event) => {
    const host = await startLoaded();
    host.hearObject(synthesize('a', '10 a'));
    host.hearEvent(event);
    host.hearEvent('close');
    await host.clock.advanceAsync(10);
    expect(host.exits).toEqual([0]);
    expect(host.said).toEqual([]);
  });

  it('is with an exit code of 1 when the input is broken', async () => {
    const host = await startLoaded();
    host.hear('x'.repeat(2 ** 20 + 1));
    host.hearObject(synthesize('a', 'a'));
    await host.clock.settle();
    host.flush();
    expect(host.exits).toEqual([1]);
    expect(host.said).toEqual([]);
    expect(host.logged).toEqual([expect.stringMatching(/^the input is broken: /)]);
  });

  it('keeps its exit code when the input ends before all is out', async () => {
    const host = startHost();
    host.failLoading(new Error('torn'));
    await host.clock.settle();
    host.hearEvent('end');
    host.flush();
    expect(host.exits).toEqual([1]);
  });
});
