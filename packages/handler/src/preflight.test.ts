import { DEFAULT_STORY_LIMITS, type ErrorCode, TalebackError } from '@taleback/core';
import { describe, expect, test } from 'vitest';
import { type PreflightOptions, preflight, spaceNeededFor } from './preflight.ts';

type Options = PreflightOptions<typeof PROFILE>;
const JOB = { text: 'Once upon a time.', language: 'en', voiceId: 'ann' };
const PROFILE = { bytes: new Uint8Array(1), hash: 'h' };
const never = new AbortController().signal;
const raising = (code: ErrorCode) => (): never => {
  throw new TalebackError(code, 'no');
};

const check = (options: Partial<Options> = {}, job: Parameters<typeof preflight>[0] = JOB) =>
  preflight(
    job,
    {
      limits: DEFAULT_STORY_LIMITS,
      speedRange: { min: 0.5, max: 2 },
      spokenLength: (text) => text.length,
      readRecording: () => Promise.resolve(PROFILE),
      requireEngine: () => {},
      freeBytes: () => Promise.resolve(2 ** 40),
      ...options,
    },
    never,
  );

const brokenDisk = (): Promise<never> => Promise.reject(new Error('no such device'));

describe('preflight', () => {
  test('lets a good job pass, with its recording', async () => {
    expect(await check()).toBeUndefined();
    expect(await check({}, { ...JOB, recording: { path: 'a.wav' } })).toBe(PROFILE);
  });

  test.each([
    [{ text: '\u200b' }, 'text_not_speakable', 'text: '],
    [{ text: ' ' }, 'text_empty', 'text: '],
    [{ text: 'x'.repeat(20_001) }, 'text_too_long', 'text: '],
    [{ text: 'a\0b' }, 'text_encoding_invalid', 'text: '],
    [{ text: 'Жили-были' }, 'script_unsupported', 'text: '],
    [{ language: 'tlh' }, 'language_unsupported', 'language: '],
    [{ speed: 3 }, 'request_invalid', 'speed: '],
    [{ speed: 0 }, 'request_invalid', 'speed: '],
    [{ speed: Number.NaN }, 'request_invalid', 'speed: '],
  ])('refuses %j as %s', async (part, code, field) => {
    await expect(check({}, { ...JOB, ...part })).rejects.toMatchObject({
      code,
      details: expect.stringContaining(field),
    });
  });

  test('asks for the story first, then the voice, then ourselves', async () => {
    const everythingWrong: Partial<Options> = {
      readRecording: raising('voice_profile_corrupt'),
      requireEngine: raising('voice_not_found'),
      freeBytes: () => Promise.resolve(0),
    };
    const job = { ...JOB, recording: { base64: 'AA' } };
    const codes: unknown[] = [];
    for (const [text, mended] of [
      ['', {}],
      ['Once', {}],
      ['Once', { readRecording: () => Promise.resolve(PROFILE) }],
      ['Once', { requireEngine: () => {} }],
      ['Once', { freeBytes: () => Promise.resolve(undefined) }],
    ] as const) {
      Object.assign(everythingWrong, mended);
      codes.push(
        await check(everythingWrong, { ...job, text }).then(
          () => 'ok',
          ({ code }: TalebackError) => code,
        ),
      );
    }
    expect(codes).toEqual(['text_empty', 'voice_profile_corrupt', 'voice_not_found', 'disk_full', 'ok']);
  });

  test('looks for an engine for exactly what has to be spoken', async () => {
    const needs: unknown[] = [];
    const requireEngine: Options['requireEngine'] = (need) => void needs.push(need);
    await check({ requireEngine }, { ...JOB, recording: { base64: 'AA' }, allowsOtherVoice: true });
    expect(needs).toEqual([{ language: 'en', voiceId: 'ann', allowsOtherVoice: true, recording: PROFILE }]);
  });

  test('wants space for the whole story, unless the free space is not known', async () => {
    const neededBytes = spaceNeededFor(JOB.text.length, 1);
    const withFree = (freeBytes: number) => check({ freeBytes: () => Promise.resolve(freeBytes) });
    await expect(withFree(neededBytes - 1)).rejects.toMatchObject({
      code: 'disk_full',
      details: `disk: ${neededBytes - 1} bytes are free, ${neededBytes} are needed`,
    });
    await expect(withFree(neededBytes)).resolves.toBeUndefined();
    await expect(check({ freeBytes: brokenDisk })).resolves.toBeUndefined();
  });
});

describe('spaceNeededFor', () => {
  test('is enough for the slowest ordinary voice, as WAV and as MP3', () => {
    const letters = 20_000;
    const seconds = letters * 0.065;
    const needed = spaceNeededFor(letters, 1);
    expect(needed).toBeGreaterThan(seconds * (48_000 + 8000));
    expect(needed).toBeLessThan(2 * seconds * (48_000 + 8000));
  });

  test('grows with the letters and the rate, and shrinks with the speed', () => {
    expect(spaceNeededFor(4_000, 1)).toBeGreaterThan(spaceNeededFor(1_000, 1));
    expect(spaceNeededFor(1_000, 2)).toBeLessThan(spaceNeededFor(1_000, 1));
    expect(spaceNeededFor(1, 1, { sampleRateHz: 48_000 })).toBeGreaterThan(spaceNeededFor(1, 1));
  });
});
