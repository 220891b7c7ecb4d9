import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';

const parse = (environment: Record<string, string>) => parseConfig(environment).cache;

describe('the variables of the cache', () => {
  it('have defaults', () => {
    expect(parse({})).toEqual({
      isOn: true,
      folder: '.taleback/cache',
      limits: { maxBytes: 512 * 2 ** 20, maxAgeMs: 30 * 86_400_000 },
    });
  });

  it('are read', () => {
    const environment = {
      SPEECH_CACHE: 'off',
      SPEECH_CACHE_FOLDER: '/c',
      SPEECH_CACHE_MB: '1',
      SPEECH_CACHE_DAYS: '0.5',
    };
    expect(parse(environment)).toEqual({
      isOn: false,
      folder: '/c',
      limits: { maxBytes: 2 ** 20, maxAgeMs: 43_200_000 },
    });
  });

  it.each([
    ['SPEECH_CACHE', 'yes'],
    ['SPEECH_CACHE_FOLDER', ''],
    ['SPEECH_CACHE_MB', '0'],
    ['SPEECH_CACHE_MB', '1.5'],
    ['SPEECH_CACHE_DAYS', '0'],
    ['SPEECH_CACHE_DAYS', '3651'],
  ])('refuse %s=%s', (name, value) => {
    expect(() => parse({ [name]: value })).toThrow(name);
  });
});
