import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bare, hello, request, synthesize } from './requests.ts';
import { childArguments, pythonEnvironment, said, startChild, temporaryFolder } from './speech-child.ts';
import { loudest, readWav } from './tone.ts';

const ENGINE = { engine: 'espeak_ng' } as const;
const PROGRAM = 'espeak-ng';
const isInstalled = spawnSync(PROGRAM, ['--version']).status === 0;
const REMARK = isInstalled ? '' : ': SKIPPED, it is not installed (apt-get install espeak-ng)';

describe.skipIf(!isInstalled)(`espeak-ng${REMARK}`, () => {
  test('speaks', async () => {
    const child = startChild(ENGINE);
    await child.send(hello());
    await child.send(synthesize('The tide came in at last.', 'req-1', { voice: 'en-us' }));
    expect(await said(child.answer('hello'))).toMatchObject({ engine: 'espeak_ng', models: ['espeak-ng'] });
    const { message, raw = Buffer.alloc(0) } = await child.answer('req-1');
    expect(message['payload']).toEqual({ type: 'audio', encoding: 'pcm_s16le', sample_rate: 22_050 });
    // Between one and four seconds for five words.
    expect(raw.length / 2 / 22_050).toBeGreaterThan(1);
    expect(raw.length / 2 / 22_050).toBeLessThan(4);
    expect(loudest(raw)).toBeGreaterThan(5_000);
    expect((await child.event('ready')).message['payload']).toEqual({ type: 'ready', model: 'espeak-ng' });
  });

  test('writes files whose sizes are true, which its own are not', async () => {
    const child = startChild(ENGINE);
    const path = join(temporaryFolder(), 'sound.wav');
    await child.send(bare('Hello world', path));
    expect(await child.bare(0)).toEqual({ success: true, output_path: path });
    const { sampleRateHz, samples } = readWav(readFileSync(path));
    expect(sampleRateHz).toBe(22_050);
    expect(loudest(samples)).toBeGreaterThan(5_000);
  });

  test('takes speed, language and voice to heart', async () => {
    const child = startChild(ENGINE);
    const speak = async (id: string, fields: Readonly<Record<string, unknown>>): Promise<Buffer> => {
      await child.send(synthesize('Some words about the sea and its tide.', id, fields));
      return (await child.answer(id)).raw ?? Buffer.alloc(0);
    };
    const usual = await speak('usual', {});
    const slow = await speak('slow', { speed: 0.5 });
    const quick = await speak('quick', { speed: 2 });
    expect(slow.length / usual.length).toBeGreaterThan(1.5);
    expect(usual.length / quick.length).toBeGreaterThan(1.5);
    expect(await speak('american', { voice: 'en-us', language: 'de' })).toEqual(usual);
    const german = await speak('german', { language: 'de-AT' });
    expect(german).not.toEqual(usual);
    expect(await speak('by name', { voice: 'DE' })).toEqual(german);
    expect(await speak('timbre', { voice: 'en-us+f3' })).not.toEqual(usual);
  });

  test('refuses voices and languages that it has not', async () => {
    const child = startChild(ENGINE);
    const voices = ['nobody', '../../../etc/passwd', '-w/tmp/x', 'en-us+', 'en-us+nobody', 'mb/mb-us1'];
    for (const [index, voice] of voices.entries()) {
      await child.send(synthesize('text', `voice-${index}`, { voice }));
      expect(await said(child.answer(`voice-${index}`))).toMatchObject({ code: 'voice_not_found' });
    }
    await child.send(synthesize('text', 'language', { language: 'tlh' }));
    expect(await said(child.answer('language'))).toMatchObject({ code: 'language_unsupported' });
  });

  test('speaks text, and obeys none of it', async () => {
    const child = startChild(ENGINE);
    const speak = async (text: string): Promise<Buffer> => {
      await child.send(synthesize(text, text));
      return (await child.answer(text)).raw ?? Buffer.alloc(0);
    };
    for (const text of ['--help', '-f /etc/passwd', '日本', '\u{1f600}', '%', '<speak>&amp;</speak>']) {
      expect(loudest(await speak(text))).toBeGreaterThan(1_000);
    }
    // A NUL would end the text, and brackets would be phonemes.
    expect((await speak('a\0b c d')).length).toBe((await speak('a b c d')).length);
    expect((await speak('[[h@l@U]]')).length).toBeGreaterThan((await speak('hello')).length);
    await child.send(synthesize('...', 'silent'));
    expect(await said(child.answer('silent'))).toMatchObject({ code: 'text_not_speakable' });
  });

  test('lists its voices by hand', () => {
    const { stdout, status } = spawnSync('python3', [...childArguments(ENGINE), '--list-voices'], {
      env: pythonEnvironment(),
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['default', 'en-us', 'de']));
  });
});

/** A program in the place of espeak-ng, for what the real one does too seldom or too slowly. */
const programThat = (does: string): string => {
  const file = join(temporaryFolder(), 'espeak-ng');
  const voice = ' 5  en-us           --/M      English_(America)  gmw/en-US            (en 3)';
  writeFileSync(
    file,
    `#!/bin/sh\ncase "$1" in --voices*) echo "${voice}"; exit;; esac\ncat >/dev/null\n${does}\n`,
  );
  chmodSync(file, 0o755);
  return file;
};

/** Of a WAV file of 16 kHz mono whose sizes are 0, for printf. */
const HEADER =
  'RIFF\\0\\0\\0\\0WAVEfmt \\020\\0\\0\\0\\1\\0\\1\\0\\200\\076\\0\\0\\0\\175\\0\\0\\2\\0\\020\\0data\\0\\0\\0\\0';

describe('the program behind it', () => {
  test('is missed with a word about what to do', async () => {
    const child = startChild({ ...ENGINE, options: { binary: '/no/such/espeak-ng' } });
    expect(await said(child.event('failed'))).toEqual({
      type: 'failed',
      code: 'model_loading_failed',
      message: 'The program espeak-ng is not installed. Install it with: apt-get install espeak-ng',
      retryable: false,
    });
    expect((await child.ended).code).toBe(1);
  });

  test.each([
    ['exit 3', 'model_failed'],
    ['echo no WAV', 'model_failed'],
    [':', 'model_failed'],
    ['kill -9 $$', 'model_failed'],
    [`printf '${HEADER}'; exec yes`, 'text_too_long'],
  ])('that gives no sound, or too much, is answered with its error: %s', async (does, code) => {
    const child = startChild({ ...ENGINE, options: { binary: programThat(does) } });
    await child.send(synthesize('text', 'req-1'));
    expect((await said(child.answer('req-1')))['code']).toBe(code);
  });

  test('is stopped when its job is cancelled', async () => {
    const child = startChild({
      ...ENGINE,
      options: { binary: programThat('echo works >&2; exec sleep 60') },
    });
    await child.send(synthesize('text', 'req-1'));
    await child.logged('works');
    await child.send(request({ type: 'cancel', correlation_id: 'req-1' }));
    expect(await said(child.answer('req-1'))).toMatchObject({ code: 'job_cancelled' });
  });

  test('is stopped when the child leaves', async () => {
    const child = startChild({
      ...ENGINE,
      options: { binary: programThat('echo works >&2; exec sleep 60') },
    });
    await child.send(synthesize('text', 'req-1'));
    await child.logged('works');
    child.endInput();
    // The program shares the log, so that ends only when both are gone.
    expect(await child.ended).toEqual({ code: 0, signal: null });
  });

  test('festival writes a size of 0: what came is what there is', async () => {
    const child = startChild({ ...ENGINE, options: { binary: programThat(`printf '${HEADER}abcdefg'`) } });
    await child.send(synthesize('text', 'req-1'));
    const { message, raw } = await child.answer('req-1');
    expect(raw?.toString()).toBe('abcdef');
    expect(message['payload']).toMatchObject({ sample_rate: 16_000 });
  });
});
