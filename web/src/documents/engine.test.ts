import { expect, it } from 'vitest';
import { readEngine, readMenu, readOwnVoice, withOwnVoices } from './engine.ts';

const expiresAt = { toMillis: () => 1000 };

it('reads an engine, its languages without regions, and its voices', () => {
  const fields = {
    state: 'degraded',
    languages: ['en', 'en-GB'],
    voices: [
      { id: 'af', name: 'Ada', languages: ['en-US'], accent: 'American', remark: 'warm' },
      { id: 'ff', name: 'Fleur', languages: ['fr-FR'], remark: 'quick' },
      { id: 'any' },
    ],
    expiresAt,
    forgetAt: { toMillis: () => 2000 },
  };
  expect(readEngine('kokoro', fields)).toEqual({
    name: 'kokoro',
    state: 'degraded',
    languages: ['en', 'fr'],
    voices: [
      { id: 'af', name: 'Ada', languages: ['en'], manner: 'American' },
      { id: 'ff', name: 'Fleur', languages: ['fr'], manner: 'quick' },
      { id: 'any', name: 'any', languages: ['en'], manner: undefined },
    ],
    expiresAtMs: 1000,
    forgetAtMs: 2000,
  });
});

it.each([
  {},
  { state: 'well', expiresAt },
  { state: 7, expiresAt },
  { state: 'ready' },
  { state: 'ready', expiresAt: 'soon' },
])('takes %j for long expired', (fields) => {
  expect(readEngine('odd', fields)).toMatchObject({ name: 'odd', expiresAtMs: 0, voices: [], languages: [] });
});

it('leaves out what makes no sense, no matter who wrote it', () => {
  const engine = readEngine('odd', {
    state: 'ready',
    expiresAt,
    languages: ['EN_us', 7, '', null],
    voices: [null, 'slt', {}, { id: ' ' }, { id: 'a', name: 5, languages: 'en' }, { id: 'a', name: 'again' }],
  });
  expect(engine).toMatchObject({ name: 'odd', languages: ['en'] });
  expect(engine.voices).toEqual([{ id: 'a', name: 'a', languages: ['en'], manner: undefined }]);
  expect(readEngine('odd', { state: 'ready', expiresAt, voices: { a: 1 }, languages: 'en' }).voices).toEqual(
    [],
  );
});

it('reads the menu, without entries that have no name', () => {
  const engines = [
    { name: 'kokoro', state: 'ready', expiresAt },
    { name: ' ' },
    'flite',
    null,
    { state: 'ready' },
  ];
  expect(readMenu('menu', { engines })).toMatchObject([
    { name: 'kokoro', state: 'ready', expiresAtMs: 1000 },
  ]);
  expect(readMenu('menu', { engines: { a: 1 } })).toEqual([]);
});

it("adds the reader's own voices to their engines", () => {
  const engine = readEngine('elevenlabs', { state: 'ready', voices: [{ id: 'stock', languages: ['en'] }] });
  const register = { engine: 'elevenlabs', voiceId: 'mum', name: 'Mum', languages: ['de-DE'] };
  const own = [register, { ...register, engine: 'gone' }, { engine: 'elevenlabs', voiceId: 7 }];
  const [shown] = withOwnVoices(
    [engine],
    own.map((fields) => readOwnVoice('', fields)),
  );
  expect(shown?.voices).toEqual([
    ...engine.voices,
    { id: 'mum', name: 'Mum', languages: ['de'], manner: undefined },
  ]);
});
