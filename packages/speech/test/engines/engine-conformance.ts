import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { durationMsOf, type Pcm, verifySound } from '../../src/audio/pcm.ts';
import type { SpeechChunk, SpeechEngine } from '../../src/engines/engine.ts';

export interface OpenEngine {
  readonly engine: SpeechEngine;
  readonly close: () => Promise<void>;
}

const SENTENCE = 'The quick brown fox jumps over the lazy dog.';

/** The suite that every speech engine passes. */
export const describeSpeechEngine = (name: string, open: () => Promise<OpenEngine>): void => {
  describe(`speech engine: ${name}`, () => {
    let opened: OpenEngine;
    let engine: SpeechEngine;
    const speak = (chunk: Partial<SpeechChunk>): Promise<Pcm> =>
      engine.synthesizeChunk({ text: SENTENCE, voiceId: engine.voices().at(-1)?.id ?? '', ...chunk });
    const durationOf = async (chunk: Partial<SpeechChunk>): Promise<number> => {
      const { samples, sampleRateHz } = await speak(chunk);
      return durationMsOf(samples.length, sampleRateHz);
    };

    beforeAll(async () => {
      opened = await open();
      engine = opened.engine;
    });
    afterAll(() => opened.close());

    test('has voices with unique ids and languages it speaks', () => {
      const ids = engine.voices().map(({ id }) => id);
      expect(ids.length).toBeGreaterThan(0);
      expect(new Set(ids).size).toBe(ids.length);
      expect(engine.languages.length).toBeGreaterThan(0);
      expect(engine.voices().every(({ languages }) => languages.length > 0)).toBe(true);
    });

    test('speaks a sentence with every voice', async () => {
      for (const { id } of engine.voices()) {
        const pcm = await speak({ voiceId: id });
        expect(pcm.sampleRateHz).toBeGreaterThanOrEqual(16_000);
        verifySound(pcm, { text: SENTENCE, speed: 1 });
      }
    });

    test('gives the same sound for the same chunk, which the caller may change', async () => {
      const first = await speak({});
      const copy = first.samples.slice();
      first.samples.fill(0);
      await speak({ text: 'Something else in between.' });
      expect((await speak({})).samples).toEqual(copy);
    });

    test('keeps chunks that come at once apart', async () => {
      const texts = Array.from({ length: engine.concurrency * 3 }, (_, index) => `This is number ${index}.`);
      const together = await Promise.all(texts.map((text) => speak({ text })));
      for (const [index, text] of texts.entries()) {
        expect((await speak({ text })).samples).toEqual(together[index]?.samples);
      }
    });

    test('speaks faster and slower', async () => {
      const natural = await durationOf({});
      const fast = await durationOf({ speed: 2 });
      const slow = await durationOf({ speed: 0.5 });
      expect(fast / natural).toBeGreaterThan(0.4);
      expect(fast / natural).toBeLessThan(0.6);
      expect(slow / natural).toBeGreaterThan(1.7);
      expect(slow / natural).toBeLessThan(2.3);
    });

    test.each([0, 0.49, 2.01, -1, Number.NaN, Number.POSITIVE_INFINITY])(
      'refuses speed %d',
      async (speed) => {
        await expect(speak({ speed })).rejects.toMatchObject({ code: 'request_invalid' });
      },
    );

    test('names the voices there are when one is unknown', async () => {
      await expect(speak({ voiceId: 'nobody' })).rejects.toMatchObject({
        code: 'voice_not_found',
        message: expect.stringContaining('nobody') as string,
        details: expect.stringContaining(engine.voices()[0]?.id ?? '') as string,
      });
    });

    test.each(['', '   ', '...', '\n\n', '\u{1f642}'])(
      'refuses text with nothing to speak: %j',
      async (text) => {
        await expect(speak({ text })).rejects.toMatchObject({ code: 'text_not_speakable' });
      },
    );

    test('does not start what is cancelled already', async () => {
      const cancelled = engine.synthesizeChunk(
        { text: SENTENCE, voiceId: engine.voices()[0]?.id ?? '' },
        { signal: AbortSignal.abort() },
      );
      await expect(cancelled).rejects.toMatchObject({ code: 'job_cancelled' });
    });

    test('prepares text once and for all', () => {
      for (const text of [
        SENTENCE,
        '  Caf\u00e9 \u2014 \u201cna\u00efve\u201d\r\n\r\nEnd ',
        `${'x'.repeat(90)} \u0000`,
      ]) {
        const prepared = engine.prepareText(text);
        expect(engine.prepareText(prepared)).toBe(prepared);
      }
    });
  });
};
