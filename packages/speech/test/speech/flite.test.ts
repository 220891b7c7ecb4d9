import * as fc from 'fast-check';
import { isTalebackError } from '@taleback/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { verifySound } from '../../src/audio/pcm.ts';
import { splitText, isSpeakable } from '../../src/text/split-text.ts';
import { createFliteEngine } from '../../src/engines/flite/flite-engine.ts';
import { type WasmModule, compileFlite } from '../../src/engines/flite/flite-program.node.ts';
import type { SpeechEngine } from '../../src/engines/engine.ts';

const LONG = 'wxq '.repeat(60);

let module: WasmModule;
let engine: SpeechEngine;
beforeAll(async () => {
  module = await compileFlite();
  engine = createFliteEngine(module);
});

const speak = (text: string, voiceId = 'kal16', from = engine) => from.synthesizeChunk({ text, voiceId });

/** `spoken` for plausible sound, or the code of our error, or whatever else was thrown. */
const endOf = async (text: string): Promise<unknown> => {
  try {
    verifySound(await speak(text), { text, speed: 1 });
    return 'spoken';
  } catch (error) {
    return isTalebackError(error) ? error.code : error;
  }
};

describe('flite', () => {
  test.each(['slt', 'rms', 'awb', 'kal16'])(
    'sounds the same from a used instance as from a new one: %s',
    async (id) => {
      const fresh = await speak('The tide came in at last.', id, createFliteEngine(module));
      await speak('One two three.', id);
      await speak(LONG, 'kal16');
      expect((await speak('The tide came in at last.', id)).samples).toEqual(fresh.samples);
    },
  );

  test.each([
    '-o',
    '-o x --help',
    '/etc/passwd',
    'AM',
    'Feu!',
    'DEU',
    '--version',
    '-voice kal',
    'a',
    '-t',
    '0',
  ])('speaks %j and does not obey it', async (text) => {
    expect(await endOf(text)).toBe('spoken');
  });

  test('gives plausible sound for hostile text, or says why not', async () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200, size: 'max' }),
      fc.string({ unit: 'binary-ascii', maxLength: 400, size: 'max' }),
      fc.string({
        unit: fc.constantFrom('.', '-', '$', '9', 'w', '\n', '\u0000', '%s', '\u00e9', ' ', '<', '"'),
        maxLength: 300,
        size: 'max',
      }),
      fc.string({ unit: 'grapheme', maxLength: 100, size: 'max' }),
    );
    let spokenCount = 0;
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        for (const piece of splitText(engine.prepareText(text))) {
          const isExpectedToSound = isSpeakable(piece.text);
          expect(await endOf(piece.text)).toBe(isExpectedToSound ? 'spoken' : 'text_not_speakable');
          if (isExpectedToSound) spokenCount += 1;
        }
      }),
      { numRuns: 60, examples: [['9'.repeat(1050)], ['x'.repeat(2000)], ['\ud800'], ['a\u0000b']] },
    );
    expect(spokenCount).toBeGreaterThan(20);
  });
});
