import { expect, it } from 'vitest';
import { z } from 'zod';
import { announceEnvironment, toAnnounceConfig } from './announce-environment.ts';

const parse = (env: Record<string, string>) => toAnnounceConfig(z.object(announceEnvironment).parse(env));

it('tells nobody unless it is said whom', () => {
  expect(parse({})).toEqual({ enginesUrl: undefined });
  const url = 'https://tales.example/api/tts/engines';
  expect(parse({ ENGINES_URL: url })).toEqual({ enginesUrl: url });
});

it('takes no other kind of address', () => {
  expect(() => parse({ ENGINES_URL: 'ftp://tales.example' })).toThrow('http or https');
  expect(() => parse({ ENGINES_URL: 'tales.example' })).toThrow('http or https');
});
