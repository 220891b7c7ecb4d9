import { createHash } from 'node:crypto';
import { TalebackError } from '@taleback/core';
import { describe, expect, test } from 'vitest';
import { wav } from '../../test/support/recordings.ts';
import { loadVoiceProfile, MAX_PROFILE_BYTES } from './load-voice-profile.ts';

const voice = wav();
const noStore = { read: () => Promise.reject(new Error('nothing is read here')) };
const storeOf = (found: Uint8Array | undefined) => {
  const keys: string[] = [];
  const read = (key: string): Promise<Uint8Array | undefined> => {
    keys.push(key);
    return Promise.resolve(found);
  };
  return { keys, read };
};

describe('loadVoiceProfile', () => {
  const base64 = voice.toString('base64');
  test.each([
    ['plain', base64],
    ['with a data: address before it', `data:audio/wav;base64,${base64}`],
    ['with a codec named', `  DATA:audio/wav;codecs=1; Base64,${base64}`],
    ['in lines', base64.replace(/.{76}/g, '$&\r\n')],
    ['for addresses, unpadded', voice.toString('base64url')],
  ])('decodes base64 %s', async (_, text) => {
    const profile = await loadVoiceProfile({ base64: text }, noStore);
    expect(Buffer.compare(profile?.bytes ?? Buffer.alloc(0), voice)).toBe(0);
    expect(profile?.hash).toBe(createHash('sha256').update(voice).digest('hex'));
  });

  test.each([
    ['a stray character', 'UklG!!!!', 'corrupt', 'at 4'],
    ['a padding inside', 'Ukl=Gabc', 'corrupt', 'at 3'],
    ['one digit too many', base64.slice(0, 401), 'corrupt', 'cut off'],
    ['a data: address in percent signs', 'data:audio/wav,RIFF', 'corrupt', 'without base64'],
    ['a data: address without an end', 'data:audio/wav;base64', 'corrupt', 'without base64'],
    ['padding only', '==', 'corrupt', 'empty'],
    ['other sound', Buffer.from('#!AMR\n0000').toString('base64'), 'format_invalid', 'AMR'],
    ['too much', 'A'.repeat(Math.ceil((MAX_PROFILE_BYTES + 4) / 3) * 4), 'format_invalid', 'over'],
    ['far too much', ' '.repeat(MAX_PROFILE_BYTES * 3 + 1), 'format_invalid', 'over'],
  ])('refuses %s', async (_, text, code, words) => {
    await expect(loadVoiceProfile({ base64: text }, noStore)).rejects.toMatchObject({
      code: `voice_profile_${code}`,
      details: expect.stringContaining(words),
      retryable: false,
    });
  });

  test.each([
    'voices/ann.wav',
    'private/users/u-1/voices/v%20.MP3',
    'a.flac',
    'a/b.opus',
    'a.m4a',
    'a.webm',
    'a.aiff',
  ])('reads %s from the store', async (path) => {
    const store = storeOf(voice);
    const profile = await loadVoiceProfile({ path }, store);
    expect(profile?.hash).toHaveLength(64);
    expect(store.keys).toEqual([path]);
  });

  test.each([
    '/etc/ann.wav',
    '../ann.wav',
    'a/../../ann.wav',
    'a//ann.wav',
    'a\\ann.wav',
    '.ssh/ann.wav',
    'ann',
    'ann.wav/',
    'ann.exe',
    'https://example.com/ann.wav',
    'ann\0.wav',
    `${'a/'.repeat(600)}ann.wav`,
  ])('never asks the store for %j', async (path) => {
    await expect(loadVoiceProfile({ path }, noStore)).rejects.toMatchObject({
      code: 'voice_profile_missing',
    });
  });

  test('reports what the store answers', async () => {
    await expect(loadVoiceProfile({ path: 'a.wav' }, storeOf(undefined))).rejects.toMatchObject({
      code: 'voice_profile_missing',
      details: 'profile_path: nothing lies at a.wav',
    });
    await expect(
      loadVoiceProfile({ path: 'a.wav' }, storeOf(Buffer.alloc(MAX_PROFILE_BYTES + 1))),
    ).rejects.toMatchObject({ code: 'voice_profile_format_invalid' });
    const away = new TalebackError('storage_unavailable', 'away');
    await expect(loadVoiceProfile({ path: 'a.wav' }, { read: () => Promise.reject(away) })).rejects.toBe(
      away,
    );
  });

  test('returns nothing for a job without a recording', async () => {
    expect(await loadVoiceProfile({}, noStore)).toBeUndefined();
  });
});
