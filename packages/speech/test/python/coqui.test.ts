import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hello, synthesize } from './requests.ts';
import { type SpeechChild, said, startChild, temporaryFolder } from './speech-child.ts';
import { loudest } from './tone.ts';

const XTTS = 'tts_models/multilingual/multi-dataset/xtts_v2';
const VCTK = 'tts_models/en/vctk/vits';

/** Coqui on the substitute for its package. @see substitutes/README.md */
const startCoqui = (options: Readonly<Record<string, string>> = {}): SpeechChild =>
  startChild({ engine: 'coqui', options, substitutes: ['coqui', 'torch'] });

/** What the stand-in was asked, in the order it was asked. */
const asked = async (child: SpeechChild, nth: number): Promise<unknown> =>
  JSON.parse((await child.logged('stand-in: {', nth)).slice('stand-in: '.length));

describe('coqui', () => {
  test('its package is missed with a word about what to do', async () => {
    const child = startChild({ engine: 'coqui' });
    await child.send(hello());
    expect(await said(child.event('failed'))).toMatchObject({
      code: 'model_loading_failed',
      message: 'A Python package is missing. Install it with: pip install coqui-tts',
      retryable: false,
    });
    expect((await child.ended).code).toBe(1);
  });

  test('a model of one voice and language is given neither', async () => {
    const child = startCoqui();
    await child.send(hello());
    await child.send(synthesize('Hello', 'req-1', { voice: 'jenny', language: 'en', speed: 0.5 }));
    await child.send(synthesize('Hello', 'req-2'));
    await child.send(synthesize('Hello', 'req-3', { voice: 'p225' }));
    expect(await said(child.answer('hello'))).toMatchObject({ models: ['tts_models/en/jenny/jenny'] });
    const { message, raw = Buffer.alloc(0) } = await child.answer('req-1');
    expect(message['payload']).toMatchObject({ encoding: 'pcm_s16le', sample_rate: 22_050 });
    expect(raw).toHaveLength(2 * 5 * 200);
    // 0.5, -0.5, and what is too loud, clipped.
    expect([0, 2, 4, 6, 8].map((at) => raw.readInt16LE(at))).toEqual([16_384, -16_384, 32_767, -32_767, 0]);
    expect((await child.answer('req-2')).raw).toHaveLength(2 * 5 * 100);
    expect(await said(child.answer('req-3'))).toMatchObject({ code: 'voice_not_found' });
    expect(await asked(child, 0)).toEqual({ speaker: null, language: null, speaker_wav: null, scale: 2 });
    expect(child.log()).toContain('stand-in: device cpu');
    expect(child.log()).toContain(' > Downloading model');
  });

  test('a model of many voices is given the voice', async () => {
    const child = startCoqui({ model: VCTK });
    for (const voice of ['default', 'ED', 'p225', 'nobody']) {
      await child.send(synthesize('Hello', voice, { voice }));
    }
    expect(await asked(child, 0)).toMatchObject({ speaker: 'ED\n' });
    expect(await asked(child, 1)).toMatchObject({ speaker: 'ED\n' });
    expect(await asked(child, 2)).toMatchObject({ speaker: 'p225' });
    expect(await said(child.answer('nobody'))).toMatchObject({ code: 'voice_not_found' });
  });

  test('a model that clones takes languages, speed and a voice profile', async () => {
    const child = startCoqui({ model: XTTS, language: 'de', device: 'cuda' });
    const profile = join(temporaryFolder(), 'profile.wav');
    writeFileSync(profile, 'RIFF....WAVE');
    const options = { voice_profile_path: profile };
    await child.send(synthesize('Hello', 'req-1', { language: 'zh-TW', speed: 1.25 }));
    await child.send(synthesize('Hello', 'req-2', { voice: 'me', options }));
    await child.send(synthesize('Hello', 'req-3', { language: 'fr' }));
    await child.send(synthesize('Hello', 'req-4', { options: { voice_profile_path: '/no/such.wav' } }));
    expect(await asked(child, 0)).toMatchObject({ speaker: 'Ana Florence', language: 'zh-cn', speed: 1.25 });
    expect(await asked(child, 1)).toMatchObject({ speaker: null, language: 'de', speaker_wav: profile });
    expect(await said(child.answer('req-3'))).toMatchObject({ code: 'language_unsupported' });
    expect(await said(child.answer('req-4'))).toMatchObject({ code: 'voice_profile_missing' });
    expect(child.log()).toContain('stand-in: device cuda');
  });

  test('what a model cannot do is refused', async () => {
    const child = startCoqui({ model: 'tts_models/en/ljspeech/tacotron2-DDC' });
    const profile = join(temporaryFolder(), 'profile.wav');
    writeFileSync(profile, 'RIFF....WAVE');
    await child.send(synthesize('Hello', 'faster', { speed: 1.5 }));
    await child.send(synthesize('Hello', 'clone', { options: { voice_profile_path: profile } }));
    await child.send(synthesize('...!', 'wordless'));
    await child.send(synthesize('not a number', 'broken'));
    await child.send(synthesize('Hello', 'fine'));
    expect(await said(child.answer('faster'))).toMatchObject({ code: 'request_invalid' });
    expect(await said(child.answer('clone'))).toMatchObject({ code: 'request_invalid' });
    expect(await said(child.answer('wordless'))).toMatchObject({ code: 'text_not_speakable' });
    expect(await said(child.answer('broken'))).toMatchObject({ code: 'model_failed' });
    expect(loudest((await child.answer('fine')).raw ?? Buffer.alloc(0))).toBe(32_767);
  });

  test('graphics memory that ran out is given back, and the next job may succeed', async () => {
    const child = startCoqui();
    await child.send(synthesize('out of memory', 'req-1'));
    await child.send(synthesize('Hello', 'req-2'));
    expect(await said(child.answer('req-1'))).toMatchObject({ code: 'gpu_out_of_memory' });
    await child.logged('stand-in: cache emptied');
    expect((await child.answer('req-2')).raw).toHaveLength(1_000);
  });

  test('an unknown model does not load', async () => {
    const child = startCoqui({ model: 'tts_models/xx/none' });
    expect(await said(child.event('failed'))).toMatchObject({ code: 'model_loading_failed' });
  });
});
