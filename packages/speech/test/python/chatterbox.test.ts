import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hello, synthesize } from './requests.ts';
import { type SpeechChild, said, startChild, temporaryFolder } from './speech-child.ts';
import { loudest } from './tone.ts';

/** Chatterbox on the substitute for its package, whose voices are loudnesses. @see substitutes/README.md */
const startChatterbox = (
  options: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
): SpeechChild =>
  startChild({ engine: 'chatterbox', options, substitutes: ['chatterbox', 'torch'], environment });

/** A recording of the voice that speaks this loud. */
const recording = (loudness: number, start = 'RIFF....WAVE'): Buffer =>
  Buffer.concat([Buffer.from(start), Buffer.from([Math.round(loudness * 256)])]);

const OWN_VOICE = 0.25;
const loudnessOf = async (child: SpeechChild, id: string): Promise<number> =>
  loudest((await child.answer(id)).raw ?? Buffer.alloc(0)) / 32_767;

describe('chatterbox', () => {
  test('its package is missed with a word about what to do', async () => {
    const child = startChild({ engine: 'chatterbox' });
    await child.send(hello());
    expect(await said(child.event('failed'))).toMatchObject({
      code: 'model_loading_failed',
      message: 'A Python package is missing. Install it with: pip install chatterbox-tts',
      retryable: false,
    });
    expect((await child.ended).code).toBe(1);
  });

  test('speaks in its own voice, with the settings of the request', async () => {
    const child = startChatterbox();
    await child.send(hello());
    await child.send(synthesize('Hello', 'req-1'));
    const options = { exaggeration: 2, cfg_weight: 0, temperature: 0.1, something_else: 'ignored' };
    await child.send(synthesize('Hello', 'req-2', { options }));
    expect(await said(child.answer('hello'))).toMatchObject({ models: ['chatterbox-english'] });
    const { message, raw } = await child.answer('req-1');
    expect(message['payload']).toEqual({ type: 'audio', encoding: 'pcm_s16le', sample_rate: 24_000 });
    expect(raw).toHaveLength(480);
    expect(await loudnessOf(child, 'req-1')).toBeCloseTo(OWN_VOICE, 3);
    await child.logged('{"exaggeration": 0.5, "cfg_weight": 0.5, "temperature": 0.8}');
    await child.logged('{"exaggeration": 2.0, "cfg_weight": 0.0, "temperature": 0.1}');
  });

  test('speaks in a profile by path, by base64 and by name, and afterwards in its own voice', async () => {
    const voices = temporaryFolder();
    const temporary = temporaryFolder();
    const path = join(temporaryFolder(), 'profile.wav');
    writeFileSync(path, recording(0.5));
    writeFileSync(join(voices, 'narrator.flac'), recording(0.75, 'fLaC'));
    const child = startChatterbox({ voices }, { TMPDIR: temporary });
    const base64 = recording(0.9, 'ID3').toString('base64');
    await child.send(synthesize('a', 'path', { voice: 'me', options: { voice_profile_path: path } }));
    await child.send(synthesize('b', 'again', { voice: 'me', options: { voice_profile_path: path } }));
    await child.send(synthesize('c', 'own'));
    await child.send(synthesize('d', 'back', { voice: 'me', options: { voice_profile_path: path } }));
    await child.send(synthesize('e', 'base64', { voice: 'me', options: { voice_profile_base64: base64 } }));
    await child.send(synthesize('f', 'name', { voice: 'narrator' }));
    expect(await loudnessOf(child, 'path')).toBeCloseTo(0.5, 2);
    expect(await loudnessOf(child, 'again')).toBeCloseTo(0.5, 2);
    expect(await loudnessOf(child, 'own')).toBeCloseTo(OWN_VOICE, 2);
    expect(await loudnessOf(child, 'back')).toBeCloseTo(0.5, 2);
    expect(await loudnessOf(child, 'base64')).toBeCloseTo(0.9, 2);
    expect(await loudnessOf(child, 'name')).toBeCloseTo(0.75, 2);
    await child.logged('prepared', 2);
    // A profile is prepared once for all sentences that share it, and its copy is removed.
    expect(child.log().match(/prepared/g)).toHaveLength(3);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('a profile that was recorded again is read again', async () => {
    const path = join(temporaryFolder(), 'profile.wav');
    const child = startChatterbox();
    writeFileSync(path, recording(0.5));
    await child.send(synthesize('a', 'old', { options: { voice_profile_path: path } }));
    expect(await loudnessOf(child, 'old')).toBeCloseTo(0.5, 2);
    writeFileSync(path, recording(0.9, 'RIFF....WAVE longer'));
    await child.send(synthesize('a', 'new', { options: { voice_profile_path: path } }));
    expect(await loudnessOf(child, 'new')).toBeCloseTo(0.9, 2);
  });

  test('each kind of unusable profile has an error of its own', async () => {
    const folder = temporaryFolder();
    const child = startChatterbox({ voices: folder });
    const file = (name: string, data: string): string => {
      writeFileSync(join(folder, name), data);
      return join(folder, name);
    };
    const cases: [string, Record<string, unknown>, string][] = [
      ['default', { voice_profile_path: join(folder, 'none.wav') }, 'voice_profile_missing'],
      ['default', { voice_profile_path: folder }, 'voice_profile_missing'],
      ['default', { voice_profile_path: 'a\0b' }, 'voice_profile_missing'],
      ['default', { voice_profile_path: file('empty.wav', '') }, 'voice_profile_corrupt'],
      ['default', { voice_profile_path: file('torn.wav', 'RIFF....WAVEtorn') }, 'voice_profile_corrupt'],
      ['default', { voice_profile_path: file('page.wav', '<html>') }, 'voice_profile_format_invalid'],
      ['default', { voice_profile_base64: '%%%' }, 'voice_profile_corrupt'],
      ['default', { voice_profile_base64: '' }, 'voice_profile_corrupt'],
      ['default', { voice_profile_base64: 5 }, 'request_invalid'],
      ['default', { voice_profile_path: 'a', voice_profile_base64: 'b' }, 'request_invalid'],
      ['nobody', {}, 'voice_not_found'],
      ['../torn', {}, 'voice_not_found'],
      ['torn', {}, 'voice_profile_corrupt'],
    ];
    for (const [index, [voice, options, code]] of cases.entries()) {
      await child.send(synthesize('Hello', `case-${index}`, { voice, options }));
      expect([options, (await said(child.answer(`case-${index}`)))['code']]).toEqual([options, code]);
    }
    await child.send(synthesize('Hello', 'own'));
    expect(await loudnessOf(child, 'own')).toBeCloseTo(OWN_VOICE, 2);
  });

  test('what it cannot do is refused', async () => {
    const cases: [string, Record<string, unknown>, string][] = [
      ['Hello', { speed: 1.5 }, 'request_invalid'],
      ['Hello', { options: { temperature: 'hot' } }, 'request_invalid'],
      ['Hello', { options: { exaggeration: 3 } }, 'request_invalid'],
      ['Hello', { options: { cfg_weight: true } }, 'request_invalid'],
      ['Hello', { language: 'de' }, 'language_unsupported'],
      ['?!', {}, 'text_not_speakable'],
      // The model breaks off after forty seconds, and says nothing about it.
      ['cut off', {}, 'audio_implausible'],
    ];
    const child = startChatterbox();
    for (const [index, [text, fields, code]] of cases.entries()) {
      await child.send(synthesize(text, `case-${index}`, fields));
      expect([text, fields, (await said(child.answer(`case-${index}`)))['code']]).toEqual([
        text,
        fields,
        code,
      ]);
    }
  });

  test('graphics memory that ran out is given back, and the next job may succeed', async () => {
    const child = startChatterbox();
    await child.send(synthesize('out of memory', 'req-1'));
    await child.send(synthesize('Hello', 'req-2'));
    expect(await said(child.answer('req-1'))).toMatchObject({ code: 'gpu_out_of_memory' });
    await child.logged('stand-in: cache emptied');
    expect(await loudnessOf(child, 'req-2')).toBeCloseTo(OWN_VOICE, 2);
  });

  test('the multilingual model is given the language', async () => {
    const child = startChatterbox({ variant: 'multilingual', language: 'fr' });
    await child.send(synthesize('Guten Tag', 'req-1', { language: 'de-DE' }));
    await child.send(synthesize('Bonjour', 'req-2'));
    await child.send(synthesize('Hei', 'req-3', { language: 'nb' }));
    await child.logged('"language_id": "de"');
    await child.logged('"language_id": "fr"');
    expect(await said(child.answer('req-3'))).toMatchObject({ code: 'language_unsupported' });
  });
});
