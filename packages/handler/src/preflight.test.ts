import { DEFAULT_STORY_LIMITS, type ErrorCode, TalebackError } from '@taleback/core';
import { describe, expect, test } from 'vitest';
import { createPreflight, type PreflightJob, type PreflightPorts } from './preflight.ts';
import { spaceNeededFor } from './space-needed.ts';

const JOB: PreflightJob = { text: 'Once upon a time.', language: 'en', voiceId: 'ann' };
const PROFILE = { bytes: new Uint8Array(1), hash: 'h' };
const never = new AbortController().signal;
const raising = (code: ErrorCode) => (): never => {
  throw new TalebackError(code, 'no');
};

const preflight = (ports: Partial<PreflightPorts> = {}) =>
  createPreflight({
    limits: DEFAULT_STORY_LIMITS,
    loadProfile: () => Promise.resolve(PROFILE),
    ableEngines: () => ['first', 'second'],
    diskFree: () => Promise.resolve(2 ** 40),
    ...ports,
  });

const brokenDisk = (): Promise<never> => Promise.reject(new Error('no such device'));

describe('createPreflight', () => {
  test('lets a good job pass, with its recording', async () => {
    expect(await preflight().check(JOB, never)).toEqual({ profile: undefined });
    expect(await preflight().check({ ...JOB, profile: { path: 'a.wav' } }, never)).toEqual({
      profile: PROFILE,
    });
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
    await expect(preflight().check({ ...JOB, ...part }, never)).rejects.toMatchObject({
      code,
      details: expect.stringContaining(field),
    });
  });

  test('asks for the story first, then the voice, then ourselves', async () => {
    const everythingWrong: Partial<PreflightPorts> = {
      loadProfile: raising('voice_profile_corrupt'),
      ableEngines: raising('voice_not_found'),
      diskFree: () => Promise.resolve(0),
    };
    const job = { ...JOB, profile: { base64: 'AA' } };
    const codes: unknown[] = [];
    for (const [text, mended] of [
      ['', {}],
      ['Once', {}],
      ['Once', { loadProfile: () => Promise.resolve(PROFILE) }],
      ['Once', { ableEngines: () => ['first'] }],
      ['Once', { diskFree: () => Promise.resolve(undefined) }],
    ] as const) {
      Object.assign(everythingWrong, mended);
      codes.push(
        await preflight(everythingWrong)
          .check({ ...job, text }, never)
          .then(
            () => 'ok',
            ({ code }: TalebackError) => code,
          ),
      );
    }
    expect(codes).toEqual(['text_empty', 'voice_profile_corrupt', 'voice_not_found', 'disk_full', 'ok']);
  });

  test('tells the engines what has to be spoken', async () => {
    const needs: unknown[] = [];
    const ableEngines: PreflightPorts['ableEngines'] = (need) => {
      needs.push(need);
      return ['first'];
    };
    await preflight({ ableEngines }).check(
      { ...JOB, profile: { base64: 'AA' }, allowsOtherVoice: true },
      never,
    );
    expect(needs).toEqual([{ language: 'en', voiceId: 'ann', allowsOtherVoice: true, profile: PROFILE }]);
  });

  test('wants room for the whole story, and none where nobody knows', async () => {
    const neededBytes = spaceNeededFor(JOB.text, 1);
    const withFree = (freeBytes: number) =>
      preflight({ diskFree: () => Promise.resolve(freeBytes) }).check(JOB, never);
    await expect(withFree(neededBytes - 1)).rejects.toMatchObject({
      code: 'disk_full',
      details: `disk: ${neededBytes - 1} bytes are free, ${neededBytes} are needed`,
    });
    await expect(withFree(neededBytes)).resolves.toBeDefined();
    await expect(preflight({ diskFree: brokenDisk }).check(JOB, never)).resolves.toBeDefined();
  });
});

describe('spaceNeededFor', () => {
  test('is enough for the slowest ordinary voice, as WAV and as MP3', () => {
    const letters = 20_000;
    const seconds = letters * 0.065;
    const needed = spaceNeededFor('x'.repeat(letters), 1);
    expect(needed).toBeGreaterThan(seconds * (48_000 + 8000));
    expect(needed).toBeLessThan(2 * seconds * (48_000 + 8000));
  });

  test('grows with the letters and the rate, and shrinks with the speed', () => {
    expect(spaceNeededFor('你'.repeat(1000), 1)).toBeGreaterThan(spaceNeededFor('x'.repeat(1000), 1));
    expect(spaceNeededFor('x'.repeat(1000), 2)).toBeLessThan(spaceNeededFor('x'.repeat(1000), 1));
    expect(spaceNeededFor('x', 1, { sampleRateHz: 48_000 })).toBeGreaterThan(spaceNeededFor('x', 1));
  });
});
