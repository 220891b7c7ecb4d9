import { execFile } from 'node:child_process';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ERROR_CATALOGUE } from '@taleback/core';
import { describe, expect, test } from 'vitest';
import { bare, hello, request, synthesize } from './requests.ts';
import { pythonEnvironment, said, startChild, temporaryFolder } from './speech-child.ts';
import { toneOf } from './tone.ts';

const FAULTS: Readonly<Record<string, string>> = {
  '!fail memory': 'memory_exhausted',
  '!fail gpu': 'gpu_out_of_memory',
  '!fail old-gpu': 'gpu_out_of_memory',
  '!fail disk': 'disk_full',
  '!fail exit': 'model_failed',
  '!fail recursion': 'model_failed',
  '!fail other': 'model_failed',
  '!fail unknown-code': 'unknown',
  '!no-such-trouble': 'model_failed',
  '!give nothing': 'audio_missing',
  '!give half': 'model_failed',
  '!give mp3': 'model_failed',
  '!give rate': 'model_failed',
  '!give wav': 'model_failed',
  '!give text': 'model_failed',
};

describe('faults', () => {
  test('an engine that fails is reported by its code, and the child lives on', async () => {
    const child = startChild();
    for (const [text, code] of Object.entries(FAULTS)) {
      await child.send(synthesize(text, text));
      await child.send(synthesize('after', `after ${text}`));
      const payload = await said(child.answer(text));
      expect([text, payload['code']]).toEqual([text, code]);
      expect(payload['message']).toMatch(/^[A-Z].+\S$/);
      expect(JSON.stringify(payload)).not.toMatch(/Traceback|secret\.py|\\n/);
      expect((await child.answer(`after ${text}`)).raw).toEqual(toneOf('after'));
    }
    // The stack goes to the log.
    expect(await child.logged('Traceback')).toBe('Traceback (most recent call last):');
    expect(await child.logged('tone_engine.py')).toContain('in synthesize');
  });

  test('an engine says whether trying again helps', async () => {
    const child = startChild();
    await child.send(synthesize('!fail permanent', 'bad'));
    expect(await said(child.answer('bad'))).toEqual({
      type: 'error',
      code: 'model_failed',
      message: 'It will always fail.',
      details: 'some details',
      retryable: false,
    });
  });

  test('1.0 gets the code, too', async () => {
    const child = startChild();
    await child.send(bare('!fail permanent', join(temporaryFolder(), 'a.wav')));
    expect(await child.bare(0)).toEqual({
      success: false,
      error: 'It will always fail.',
      code: 'model_failed',
      details: 'some details',
      retryable: false,
    });
  });

  test.runIf(existsSync('/dev/full'))('a full disk is reported, and leaves no half file', async () => {
    const child = startChild();
    const path = join(temporaryFolder(), 'sound.wav');
    symlinkSync('/dev/full', `${path}.part`);
    await child.send(synthesize('text', 'bad', { output_path: path }, '2.0.0'));
    expect(await said(child.answer('bad'))).toMatchObject({ code: 'disk_full' });
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  test('a crash ends the child with its own code', async () => {
    const child = startChild();
    await child.send(synthesize('!crash', 'last'));
    expect(await child.ended).toEqual({ code: 7, signal: null });
  });
});

describe('an engine that never speaks', () => {
  test.each([
    [{ options: { load: 'fail' } }, /RuntimeError: the weights are torn$/],
    [{ options: { loud: 'yes' } }, /^tone has no option 'loud'; it knows: load\.$/],
    [{ engine: 'nobody' }, /^There is no engine 'nobody'; there are chatterbox, coqui, espeak_ng, and/],
    [{ engine: 'nowhere:Engine' }, /No module named 'nowhere'/],
    [{ engine: 'tone_engine:NoSuchClass' }, /NoSuchClass/],
    [{ engine: 'tone_engine:Cancellation' }, /./],
  ])('%j fails, says why, and ends', async (options, message) => {
    const child = startChild(options);
    await child.send(hello());
    const reported = { code: 'model_loading_failed', message: expect.stringMatching(message) };
    expect(await said(child.event('failed'))).toMatchObject(reported);
    expect(await child.ended).toEqual({ code: 1, signal: null });
    expect(child.frames.some(({ message }) => JSON.stringify(message).includes('secret.py'))).toBe(false);
  });

  test('are reported to every caller', async () => {
    const folder = temporaryFolder();
    const child = startChild({ options: { load: `fail:${join(folder, 'gate')}` } });
    await child.send(synthesize('early', 'early', {}, '2.0.0'));
    await child.send(bare('early', join(folder, 'never.wav')));
    await child.send(request({ type: 'ping' }, 'all is read'));
    await child.answer('all is read');
    writeFileSync(join(folder, 'gate'), '');
    expect(await said(child.answer('early'))).toMatchObject({ type: 'error', code: 'model_loading_failed' });
    expect(await child.bare(0)).toMatchObject({ success: false, code: 'model_loading_failed' });
    expect((await child.event('failed')).message['version']).toBe('2.0.0');
    expect(await child.ended).toEqual({ code: 1, signal: null });
  });

  test('1.0 gets no event, only its answers', async () => {
    const folder = temporaryFolder();
    const child = startChild({ options: { load: `fail:${join(folder, 'gate')}` } });
    await child.send(bare('early', join(folder, 'never.wav')));
    await child.send(bare(null, 'in its turn'));
    await child.logged('a request was refused');
    writeFileSync(join(folder, 'gate'), '');
    expect(await child.bare(0)).toMatchObject({ success: false, code: 'model_loading_failed' });
    expect(await child.bare(1)).toMatchObject({ success: false, code: 'request_invalid' });
    expect((await child.ended).code).toBe(1);
    expect(child.frames).toHaveLength(2);
  });
});

test('the codes are those of the catalogue', async () => {
  const program = 'import json; from taleback_speech.faults import *; print(json.dumps(list(FAULT_CODES)))';
  const { stdout } = await promisify(execFile)('python3', ['-c', program], { env: pythonEnvironment() });
  expect((JSON.parse(stdout) as string[]).sort()).toEqual(Object.keys(ERROR_CATALOGUE).sort());
});
